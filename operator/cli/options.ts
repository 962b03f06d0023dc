import { type Command, InvalidArgumentError, Option } from 'commander';
import { Duration } from '../../shared/duration.ts';
import { CATALOG_OPTIONS, COMMON_OPTIONS, KEY_OPTIONS } from './help/help-groups.ts';

export const DESPITE_HALT = 'also a release whose rollout was halted';
const ONE_TREE = 'name of the tree; needed when miyamoto.yaml has more than one';

/** Adds the options of every command. `tree` describes `--tree`. */
export function common(command: Command, tree: string = ONE_TREE): Command {
  return below(COMMON_OPTIONS, command, {
    '--config <file>': 'configuration file; default: the nearest miyamoto.yaml upwards',
    '--tree <name>': tree,
    '--json': 'print the answer as one JSON document',
  }).addHelpOption(new Option('-h, --help', 'display this help').helpGroup(COMMON_OPTIONS));
}

/** Adds the options that name a bucket where no miyamoto.yaml does. */
export function place(command: Command): Command {
  return command
    .option('--bucket <name>', 'name of the bucket, when there is no miyamoto.yaml yet')
    .option('--endpoint <url>', 'address of an S3-compatible store; default: AWS')
    .option('--region <region>', 'region of the bucket; default: AWS_REGION or ~/.aws/config');
}

/** Adds the options of the commands that use signing keys. */
export function signing(command: Command): Command {
  return below(KEY_OPTIONS, common(command), {
    '--keys <dir>': 'directory of the signing keys',
    '--passphrase-file <file>': 'file with the passphrase of the keys',
  })
    .addOption(
      new Option('--passphrase-fd <number>', 'open file descriptor with the passphrase')
        .argParser(wholeNumber)
        .helpGroup(KEY_OPTIONS),
    )
    .option('--noop', 'show what would be written, and write nothing');
}

/**
 * Adds the options of the commands that read the keys of this machine but sign nothing. They accept
 * the other options of {@link signing} without showing them.
 */
export function readingKeys(command: Command): Command {
  for (const option of signing(command).options) {
    if (['--passphrase-file', '--passphrase-fd', '--noop'].includes(option.long ?? '')) {
      option.hideHelp();
    }
  }
  return command;
}

function below(
  heading: string,
  command: Command,
  options: Readonly<Record<string, string>>,
): Command {
  for (const [flags, description] of Object.entries(options)) {
    command.addOption(new Option(flags, description).helpGroup(heading));
  }
  return command;
}

/** Adds the options of the commands that compile catalogs of hosts. */
export function hosts(command: Command): Command {
  const options = [
    new Option(
      '--catalog <certname...>',
      'compile the catalogs of these hosts on both sides',
    ).argParser(collect),
    new Option('--sample <number>', 'the same for that many hosts of the environment').argParser(
      wholeNumber,
    ),
    new Option('--group <name>', 'the same for the hosts with that group in their agent.yaml'),
  ];
  for (const option of options) command.addOption(option.helpGroup(CATALOG_OPTIONS));
  return command;
}

/** Collects the values of an option that may be repeated. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Throws InvalidArgumentError. */
export function wholeNumber(value: string): number {
  if (/^\d{1,6}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('expected a whole number.');
}

/** Parses the reason that is signed with a change. Throws InvalidArgumentError. */
export function reason(value: string): string {
  if (value.length <= 500) return value;
  throw new InvalidArgumentError('expected at most 500 characters.');
}

/** Like {@link reason}, for commands that require one. */
export function requiredReason(value: string): string {
  if (value.trim() === '') throw new InvalidArgumentError('expected a reason.');
  return reason(value);
}

/** Adds the options that select hosts. */
export function selecting(command: Command): Command {
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
    .addOption(instances())
    .addOption(new Option('--csv', 'print CSV').conflicts('json'));
}

/** The option of the commands that count or select silent hosts. */
export function instances(
  description = 'tell hosts whose EC2 instance is terminated from silent ones',
): Option {
  return new Option(
    '--instances <file>',
    `${description}: what aws ec2 describe-instances prints; may be repeated`,
  ).argParser(collect);
}

/** Throws InvalidArgumentError. */
export function age(value: string): Duration {
  const { data } = Duration.safeParse(value);
  if (data !== undefined) return data;
  throw new InvalidArgumentError('expected a duration such as 30m, 2h or 3d.');
}
