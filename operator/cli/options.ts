import { type Command, InvalidArgumentError } from 'commander';

/** Options that every command takes. */
export function common(command: Command): Command {
  return command
    .option('--config <file>', 'miyamoto.yaml; by default the nearest one upwards from here')
    .option('--tree <name>', 'the tree, where there is more than one')
    .option('--json', 'the answer as one JSON document');
}

/** Options of commands that use signing keys. */
export function signing(command: Command): Command {
  return common(command)
    .option('--keys <dir>', 'directory of the signing keys')
    .option('--passphrase-file <file>', 'file with the passphrase of the keys')
    .option('--passphrase-fd <number>', 'open file descriptor with the passphrase', wholeNumber)
    .option('--noop', 'say what would be written, write nothing');
}

/** An option that may be repeated. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Throws InvalidArgumentError. */
export function wholeNumber(value: string): number {
  if (/^\d{1,6}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('wanted a whole number.');
}
