import { type Command, InvalidArgumentError, Option } from 'commander';
import { type BootstrapOptions, bootstrap } from '../commands/bootstrap/bootstrap.ts';
import { type CostOptions, cost } from '../commands/cost/cost.ts';
import { type ForgetOptions, forget } from '../commands/forget/forget.ts';
import { packageSite, type SitePackageOptions } from '../commands/package/site.ts';
import { type ListOptions, listHosts } from '../commands/status/list.ts';
import { showHost } from '../commands/status/show.ts';
import type { Context } from '../context.ts';
import { addFleet } from './fleet-program.ts';
import { age, collect, common, selecting, wholeNumber } from './options.ts';
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

const OPTIONS_OF_LIST = [
  'where',
  'failed',
  'stale',
  'olderThan',
  'failOver',
  'csv',
  'instances',
] as const;

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
      'make a deb, an rpm and a pkg with agent.yaml, the trust root and the newest known state',
    )
    .addOption(new Option('--format <format>', 'only this one').choices(['deb', 'rpm', 'pkg']))
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
