import { Argument, type Command, Option } from 'commander';
import { type FleetAthenaOptions, fleetAthena } from '../commands/fleet/athena.ts';
import { exportPuppetDb } from '../commands/fleet/export.ts';
import { fleetHost, fleetHosts, why } from '../commands/fleet/host.ts';
import { type FleetProblemsOptions, fleetProblems } from '../commands/fleet/problems.ts';
import { type FleetPruneOptions, fleetPrune } from '../commands/fleet/prune.ts';
import { type FleetQueryOptions, fleetParquet, fleetQuery } from '../commands/fleet/query.ts';
import { fleetReport, type ReportOptions } from '../commands/fleet/report.ts';
import { fleetSnapshot, type SnapshotOptions } from '../commands/fleet/snapshot.ts';
import { type FleetStatusOptions, fleetStatus } from '../commands/fleet/status.ts';
import { type SyncOptions, sync } from '../commands/fleet/sync.ts';
import { changeLines, type WatchOptions, watchFleet } from '../commands/fleet/watch.ts';
import type { ListOptions } from '../commands/status/list.ts';
import type { CommonOptions, Context } from '../context.ts';
import { PROBLEM_KINDS, type ProblemKind } from '../fleet/problem-hosts.ts';
import { age, collect, common, instances, selecting, wholeNumber } from './options.ts';
import type { Output } from './output.ts';

const AFTER_FLEET = `
Examples:
  mm fleet sync
  mm fleet status --fail-over 1%
  mm fleet hosts --failed --where os.name=Ubuntu
  mm fleet why web1.example.com 'File[/etc/motd]'`;

const AFTER_PROBLEMS = `
Kinds:
  shared      two machines write the status of one name
  names       one machine has several names
  clock       its clock differs from that of S3
  agent       its agent is older than the one that most hosts have
  trust       it does not trust what is published, or cannot verify it
  unreadable  its status cannot be read`;

/** Adds `mm fleet`: questions about all hosts, from a copy on this machine. */
export function addFleet(program: Command, context: Context, output: Output): void {
  const fleet = program
    .command('fleet')
    .description('copy what hosts report to this machine, and ask the copy')
    .addHelpText('after', AFTER_FLEET);
  common(fleet.command('sync'))
    .description('copy the statuses that are new or have changed')
    .option('--snapshot', 'copy what the last mm fleet snapshot has: two objects for all hosts')
    .addOption(instances())
    .action(async (options: SyncOptions) => output.answer(await sync(context, options), options));
  common(fleet.command('status'))
    .description('show how many hosts are in which state, and the most frequent failures')
    .option('--where <condition>', 'only hosts with this field; may be repeated', collect)
    .option('--stale <age>', 'hosts are stale after this age; default: as they announced', age)
    .option('--fail-over <share>', 'exit with 1 when more hosts (5, or 1%) are bad')
    .addOption(instances())
    .addOption(watch('show it again and again, and who changed'))
    .addOption(onChange())
    .action(async (options: FleetStatusOptions & WatchOptions) => {
      if (options.watch === undefined) {
        output.answer(await fleetStatus(context, options), options);
        return;
      }
      await watchFleet(context, options, async (changes = []) => {
        const { document, lines } = await fleetStatus(context, options);
        const all = [...changeLines(changes, context.now()), ...lines, ''];
        output.answer({ document, lines: all }, options);
      });
    });
  selecting(common(fleet.command('hosts')))
    .description('show one line for each host, as mm status does')
    .addOption(watch('show the list, and then who changed'))
    .addOption(onChange())
    .action(async (options: ListOptions & WatchOptions) => {
      const list = () => fleetHosts(context, options, (found) => output.list(found, options));
      if (options.watch === undefined) {
        await list();
        return;
      }
      await watchFleet(context, options, async (changes) => {
        if (changes === undefined) await list();
        else if (changes.length > 0)
          output.answer({ document: {}, lines: changeLines(changes, context.now()) }, options);
      });
    });
  common(fleet.command('host <certname>'))
    .description('show the copied status of one host')
    .action(async (certname: string, options: CommonOptions) =>
      output.answer(await fleetHost(context, certname, options), options),
    );
  common(fleet.command('why <certname> <resource>'))
    .description('show what the last run of a host did with a resource, such as File[/etc/motd]')
    .action(async (certname: string, resource: string, options: CommonOptions) =>
      output.answer(await why(context, { certname, resource }, options), options),
    );
  common(fleet.command('query <sql>'))
    .description('ask the copy in SQL; docs/fleet.md lists the views')
    .addOption(new Option('--csv', 'print CSV').conflicts('json'))
    .addOption(new Option('--parquet <file>', 'write all rows to a Parquet file').conflicts('csv'))
    .addOption(instances())
    .option('--limit <rows>', 'print at most so many rows; default: 10000', wholeNumber)
    .action(async (sql: string, options: FleetQueryOptions) => {
      if (options.parquet === undefined)
        await fleetQuery(context, sql, options, (list) => output.list(list, options));
      else output.answer(await fleetParquet(context, sql, options), options);
    });
  common(fleet.command('report'))
    .description('write the copy as one HTML file with charts and a table of all hosts')
    .option('--output <file>', 'path of the file; default: fleet.html')
    .option('--open', 'open it in the browser')
    .addOption(instances())
    .action(async (options: ReportOptions) =>
      output.answer(await fleetReport(context, options), options),
    );
  common(fleet.command('problems'))
    .addArgument(new Argument('[kind...]', 'only these').choices(PROBLEM_KINDS))
    .description('show hosts whose name, clock, agent or trust is off')
    .option('--clock <age>', 'how far a clock may be off; default: 60s', age)
    .option('--fail-over <share>', 'exit with 1 when more hosts (5, or 1%) have a problem')
    .addOption(new Option('--csv', 'print CSV').conflicts('json'))
    .addHelpText('after', AFTER_PROBLEMS)
    .action(async (kinds: readonly ProblemKind[], options: FleetProblemsOptions) =>
      fleetProblems(context, kinds, options, (list) => output.list(list, options)),
    );
  common(fleet.command('snapshot'))
    .description('put the report and its tables into the bucket, for everybody who may read status')
    .addOption(instances())
    .option('--noop', 'show which objects would be written, and write nothing')
    .action(async (options: SnapshotOptions) =>
      output.answer(await fleetSnapshot(context, options), options),
    );
  const exported = fleet.command('export').description('print the copy for another system');
  common(exported.command('puppetdb'))
    .description(
      'print facts and last runs as commands of PuppetDB, one JSON document in each line',
    )
    .action(async (options: CommonOptions) =>
      exportPuppetDb(context, options, (list) => output.list(list, options)),
    );
  common(fleet.command('athena'))
    .description('print tables, views and questions for Amazon Athena')
    .option('--database <name>', 'name of the database; default: miyamoto_ and the tree')
    .action(async (options: FleetAthenaOptions) =>
      output.answer(await fleetAthena(context, options), options),
    );
  common(fleet.command('prune'))
    .description('remove from the bucket what hosts left that have been silent for a long time')
    .requiredOption('--older-than <age>', 'hosts whose last report is older, such as 90d', age)
    .addOption(instances('only hosts whose EC2 instance is terminated, by this file'))
    .option('--yes', 'do not ask')
    .option('--noop', 'show what would be removed, and remove nothing')
    .action(async (options: FleetPruneOptions) =>
      output.answer(await fleetPrune(context, options), options),
    );
}

/** Conflicts with options that judge or print one document: a watch never ends. */
function watch(description: string): Option {
  return new Option('--watch [age]', `${description}, every minute or every age; ends with Ctrl-C`)
    .argParser(age)
    .conflicts(['json', 'csv', 'failOver']);
}

function onChange(): Option {
  return new Option(
    '--on-change <command>',
    'watch, and run this in the shell when hosts change state, with JSON on stdin',
  ).implies({ watch: true });
}
