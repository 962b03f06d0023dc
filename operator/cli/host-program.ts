import { type Command, InvalidArgumentError, Option } from 'commander';
import { Duration } from '../../shared/duration.ts';
import { type BootstrapOptions, bootstrap } from '../commands/bootstrap/bootstrap.ts';
import { type CostOptions, cost } from '../commands/cost/cost.ts';
import { fleetHost, fleetHosts, why } from '../commands/fleet/host.ts';
import { type FleetQueryOptions, fleetQuery } from '../commands/fleet/query.ts';
import { fleetReport, type ReportOptions } from '../commands/fleet/report.ts';
import { type FleetStatusOptions, fleetStatus } from '../commands/fleet/status.ts';
import { sync } from '../commands/fleet/sync.ts';
import { type ForgetOptions, forget } from '../commands/forget/forget.ts';
import { packageSite, type SitePackageOptions } from '../commands/package/site.ts';
import { type ListOptions, listHosts } from '../commands/status/list.ts';
import { showHost } from '../commands/status/show.ts';
import type { CommonOptions, Context } from '../context.ts';
import { collect, common, wholeNumber } from './options.ts';
import type { Output } from './output.ts';

const AFTER = `
A condition is FIELD=VALUE; other operators are != ~ (regular expression) < and >. A field is one of
the status (docs/status.md) or a fact. All conditions and options must be met.

Examples:
  mm status --failed --where environment=stable
  mm status --stale --where os.release.major=24.04
  mm status --failed --fail-over 1%`;

const AFTER_FORGET = `
Example:
  mm forget web1.example.com web2.example.com`;

const AFTER_COST = `
Examples:
  mm cost --hosts 100000
  mm cost --hosts 5000 --poll 1m --outside 40% --price get=0.00043`;

const AFTER_FLEET = `
Examples:
  mm fleet sync
  mm fleet status --fail-over 1%
  mm fleet hosts --failed --where os.name=Ubuntu
  mm fleet why web1.example.com 'File[/etc/motd]'`;

const OPTIONS_OF_LIST = ['where', 'failed', 'stale', 'olderThan', 'failOver', 'csv'] as const;

/** Adds the commands about the hosts of a tree. */
export function addHostCommands(program: Command, context: Context, output: Output): void {
  addStatus(program, context, output);
  addFleet(program, context, output);
  addCost(program, context, output);
  addPackage(program, context, output);
  addBootstrap(program, context, output);
  common(program.command('forget <certname...>'))
    .description('remove the status and the facts of hosts that are gone')
    .addHelpText('after', AFTER_FORGET)
    .option('--yes', 'do not ask')
    .option('--force', 'also hosts that reported as recently as they should')
    .option('--noop', 'show what would be removed, and remove nothing')
    .action(async (certnames: readonly string[], options: ForgetOptions) =>
      output.answer(await forget(context, certnames, options), options),
    );
}

/** Adds `mm package`: packages for hosts. */
function addPackage(program: Command, context: Context, output: Output): void {
  const made = program.command('package').description('make packages that hosts of a tree install');
  common(made.command('site'))
    .description(
      'make a deb and an rpm with agent.yaml, the trust root and the newest state that is known',
    )
    .addOption(new Option('--format <format>', 'only this one').choices(['deb', 'rpm']))
    .option('--agent-config <file>', 'use this agent.yaml; default: as mm init prints it')
    .option('--output <dir>', 'directory for the packages; default: the current one')
    .action(async (options: SitePackageOptions) =>
      output.answer(await packageSite(context, options), options),
    );
}

/** Adds `mm bootstrap`. The forms exclude each other; without one it prints the script. */
function addBootstrap(program: Command, context: Context, output: Output): void {
  const forms = {
    userData: new Option('--user-data', 'a script for the user data of EC2'),
    cloudInit: new Option('--cloud-init', 'the same for cloud-init, as YAML'),
    shell: new Option('--shell', 'a script for root (default)'),
    mdm: new Option('--mdm', 'a script that an MDM runs on Macs'),
  };
  const command = common(program.command('bootstrap')).description(
    'print what a new machine needs to become a host: agent, agent.yaml, trust root',
  );
  for (const [name, form] of Object.entries(forms)) {
    command.addOption(form.conflicts(Object.keys(forms).filter((other) => other !== name)));
  }
  command
    .option(
      '--agent <package...>',
      'the agent: a name of mm binaries, or URL#sha256=HEX; one for each kind of host',
      collect,
    )
    .option('--agent-config <file>', 'use this agent.yaml; default: as mm init prints it')
    .action(async (options: BootstrapOptions) =>
      output.answer(await bootstrap(context, options), options),
    );
}

/** Adds `mm cost`. The defaults of its help are those of `DEFAULT_LOAD`. */
function addCost(program: Command, context: Context, output: Output): void {
  common(program.command('cost'))
    .description('show what S3 asks for a fleet in a month: requests, bytes, dollars')
    .addHelpText('after', AFTER_COST)
    .requiredOption('--hosts <number>', 'number of hosts', largeNumber)
    .option('--poll <age>', 'time between polls; default: 5m', age)
    .option('--run <age>', 'time between runs; default: 30m', age)
    .option('--heartbeat <age>', 'time between statuses when nothing changes; default: 1h', age)
    .option('--changing <share>', 'runs that change something; default: 2%', share)
    .option('--releases <number>', 'releases in a month; default: 20', wholeNumber)
    .option('--renewals <number>', 'renewals of signatures in a month; default: 10', wholeNumber)
    .option('--reads <number>', 'times that all statuses are read; default: 30', wholeNumber)
    .option('--tarball <bytes>', 'size of a release; default: 500000', largeNumber)
    .option('--outside <share>', 'hosts outside the region of the bucket; default: 0%', share)
    .option('--price <name=dollars>', 'another price; may be repeated', collect)
    .option('--measure', 'use the sizes of the statuses and facts in the bucket')
    .action(async (options: CostOptions) => output.answer(await cost(context, options), options));
}

function addStatus(program: Command, context: Context, output: Output): void {
  const command = selecting(common(program.command('status [certname]')))
    .description('show the last status of one host, or one line for each host')
    .addHelpText('after', AFTER);
  command.action(async (certname: string | undefined, options: ListOptions) => {
    if (certname === undefined) {
      await listHosts(context, options, (list) => output.list(list, options));
      return;
    }
    const unused = OPTIONS_OF_LIST.find((name) => options[name] !== undefined);
    if (unused !== undefined) {
      const flag = command.options.find((each) => each.attributeName() === unused)?.long;
      command.error(`error: ${flag} is for the list of all hosts, not for one host`);
    }
    output.answer(await showHost(context, certname, options), options);
  });
}

/** Adds `mm fleet`: questions about all hosts, from a copy on this machine. */
function addFleet(program: Command, context: Context, output: Output): void {
  const fleet = program
    .command('fleet')
    .description('copy what hosts report to this machine, and ask the copy')
    .addHelpText('after', AFTER_FLEET);
  common(fleet.command('sync'))
    .description('copy the statuses that are new or have changed')
    .action(async (options: CommonOptions) => output.answer(await sync(context, options), options));
  common(fleet.command('status'))
    .description('show how many hosts are in which state, and the most frequent failures')
    .option('--where <condition>', 'only hosts with this field; may be repeated', collect)
    .option('--stale <age>', 'hosts are stale after this age; default: as they announced', age)
    .option('--fail-over <share>', 'exit with 1 when more hosts (5, or 1%) are bad')
    .action(async (options: FleetStatusOptions) =>
      output.answer(await fleetStatus(context, options), options),
    );
  selecting(common(fleet.command('hosts')))
    .description('show one line for each host, as mm status does')
    .action(async (options: ListOptions) =>
      fleetHosts(context, options, (list) => output.list(list, options)),
    );
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
    .option('--limit <rows>', 'print at most so many rows; default: 10000', wholeNumber)
    .action(async (sql: string, options: FleetQueryOptions) =>
      fleetQuery(context, sql, options, (list) => output.list(list, options)),
    );
  common(fleet.command('report'))
    .description('write the copy as one HTML file with charts and a table of all hosts')
    .option('--output <file>', 'path of the file; default: fleet.html')
    .option('--open', 'open it in the browser')
    .action(async (options: ReportOptions) =>
      output.answer(await fleetReport(context, options), options),
    );
}

/** Adds the options that select hosts. */
function selecting(command: Command): Command {
  return command
    .option('--where <condition>', 'only hosts with this field; may be repeated', collect)
    .option('--failed', 'only hosts whose last run failed')
    .option(
      '--stale [age]',
      'only hosts whose last report is older than they announced, or than this age',
      age,
    )
    .option('--older-than <age>', 'only hosts whose last report is older, such as 2h or 3d', age)
    .option('--fail-over <share>', 'exit with 1 when more hosts (5, or 1%) are bad')
    .addOption(new Option('--csv', 'print CSV').conflicts('json'));
}

/** Throws InvalidArgumentError. */
function age(value: string): Duration {
  const { data } = Duration.safeParse(value);
  if (data !== undefined) return data;
  throw new InvalidArgumentError('expected a duration such as 30m, 2h or 3d.');
}

/** From 0 to 1. Throws InvalidArgumentError. */
function share(value: string): number {
  const [, number] = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(value) ?? [];
  if (number !== undefined && Number(number) <= 100) return Number(number) / 100;
  throw new InvalidArgumentError('expected a share such as 5%.');
}

/** Throws InvalidArgumentError. */
function largeNumber(value: string): number {
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('expected a whole number from 1 to 999999999.');
}
