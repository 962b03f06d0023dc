import type { LogLevel } from './puppet-run.ts';

/**
 * The level of a line of Puppet's console output, from its first word
 * (puppet/util/log/destinations.rb). Undefined for a line that continues the message before it, or
 * that Puppet did not write.
 */
export function levelOf(text: string): LogLevel | undefined {
  const word = /^([A-Z][a-z]+): /.exec(text)?.[1];
  return word === undefined ? undefined : LEVELS.get(word);
}

const LEVELS: ReadonlyMap<string, LogLevel> = new Map([
  ['Debug', 'debug'],
  ['Info', 'info'],
  ['Notice', 'info'],
  ['Warning', 'warn'],
  ['Error', 'error'],
  ['Critical', 'error'],
  ['Alert', 'error'],
  ['Emergency', 'error'],
]);

const MOST_ERROR_LINES = 1000;

/**
 * The errors of Puppet's output, without the leading `Error: `. `err()` logs while the catalog is
 * compiled, before the report begins, so its message is only here. Errors of Facter about facts
 * that it cannot resolve also occur in good runs and do not count.
 */
export function errorLines(lines: readonly string[]): readonly string[] {
  return lines
    .filter((line) => levelOf(line) === 'error' && !line.startsWith('Error: Facter: '))
    .slice(0, MOST_ERROR_LINES)
    .map((line) => line.replace(/^[A-Z][a-z]+: /, ''));
}

/**
 * The signal that ended Puppet, by what it printed. `puppet apply` handles SIGINT by itself
 * (application/apply.rb). Everything else that it prints begins with a level.
 */
export function signalOf(lines: readonly string[]): string | undefined {
  if (lines.includes('Exiting')) return 'SIGINT';
  const found = lines.map((line) => /^[A-Z][a-z]+: Could not run: (SIG[A-Z0-9]+)$/.exec(line)?.[1]);
  return found.find((name) => name !== undefined);
}

const MOST_ERRORS = 20;
const LAST_LINES = 5;
/** Lines of one message: the line with the level, and the next three. */
const LINES_OF_ERROR = 4;

/**
 * Returns the first error messages of Puppet, at most 20 lines. A message has up to three more
 * lines, the last of which names file and line of the manifest. Errors of Facter are returned only
 * when there are no others, because successful runs have them too. When Ruby cannot load Puppet
 * there is no error message, and the last lines are returned.
 */
export function firstErrors(lines: Iterable<string>): readonly string[] {
  const puppets: string[] = [];
  const facters: string[] = [];
  const last: string[] = [];
  let list = puppets;
  let left = 0;
  for (const line of lines) {
    if (line.trim() === '' || line === 'Wrapped exception:') continue;
    last.push(line);
    if (last.length > LAST_LINES) last.shift();
    const level = levelOf(line);
    if (level === 'error') list = line.startsWith('Error: Facter: ') ? facters : puppets;
    if (level !== undefined) left = level === 'error' ? LINES_OF_ERROR : 0;
    if (left > 0 && list.length < MOST_ERRORS && !list.includes(line)) list.push(line);
    left -= 1;
  }
  return [puppets, facters, last].find((list) => list.length > 0) ?? [];
}
