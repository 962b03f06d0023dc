import { type Command, InvalidArgumentError } from 'commander';

/** Adds the options of every command. */
export function common(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file; default: the nearest miyamoto.yaml upwards')
    .option('--tree <name>', 'name of the tree; needed when miyamoto.yaml has more than one')
    .option('--json', 'print the answer as one JSON document');
}

/** Adds the options of the commands that use signing keys. */
export function signing(command: Command): Command {
  return common(command)
    .option('--keys <dir>', 'directory of the signing keys')
    .option('--passphrase-file <file>', 'file with the passphrase of the keys')
    .option('--passphrase-fd <number>', 'open file descriptor with the passphrase', wholeNumber)
    .option('--noop', 'show what would be written, and write nothing');
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
