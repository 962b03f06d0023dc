import type { Command, CommanderError } from 'commander';
import { CodedError } from '../../../shared/coded-error.ts';
import { didYouMean } from '../../../shared/suggestion.ts';

/** Turns an error of commander into the CodedError that every command has. */
export function usageError(
  program: Command,
  args: readonly string[],
  { code, message }: CommanderError,
): CodedError {
  const { path, command, word } = commandOf(program, args);
  const names = command.commands.map((each) => each.name());
  // An extra operand of a command whose subcommand can be left out, as in `mm rollout statsu
  // stable`.
  const isExcess = code === 'commander.excessArguments' && word !== undefined;
  const [, given = '', choices = ''] = CHOICES.exec(message) ?? [];
  const [, option] = /^error: unknown option '(--[\w-]+)/.exec(message) ?? [];
  const hint = isExcess ? didYouMean(word, names) : didYouMean(given, choices.split(', '));
  // Commander then names the default subcommand, `start`.
  const named = isExcess
    ? message.replace(/ for '[^']*'/, ` for '${path}'`)
    : hasOption(program, option)
      ? // It is no typing mistake: another command has it.
        message.replace(MEANT, '')
      : message;
  const early = earlyOption(program, args, code);
  const text = inOneLine(named).replace(/\.$/, '') + (early ?? hint);
  return new CodedError(text, { code: 'USAGE', next: `${path} --help` });
}

/**
 * Returns the error for `mm help nope` and `mm key help nope`. Commander would print the help of
 * the parent command, without a message about the unknown name.
 */
export function unknownHelp(program: Command, args: readonly string[]): CodedError | undefined {
  const { path, command, word } = commandOf(program, args);
  if (word !== 'help') return undefined;
  const names = args.slice(args.indexOf('help') + 1).filter((arg) => !arg.startsWith('-'));
  const asked = commandOf(command, names);
  if (asked.word === undefined || asked.word === 'help' || asked.command.commands.length === 0)
    return undefined;
  const known = asked.command.commands.map((each) => each.name());
  const above = [path, ...asked.path.split(' ').slice(1)].join(' ');
  return new CodedError(
    `unknown command '${above} ${asked.word}'${didYouMean(asked.word, known)}`,
    { code: 'USAGE', next: `${above} --help` },
  );
}

/** Finds an option before the command, as other programs allow it: `mm --tree osx releases`. */
function earlyOption(program: Command, args: readonly string[], code: string): string | undefined {
  const [first = ''] = args;
  if (code !== 'commander.unknownOption' || !first.startsWith('-')) return undefined;
  const isCommand = program.commands.some((each) => args.includes(each.name()));
  return isCommand ? '; options come after the command' : undefined;
}

/** Commander's message about a value that is not one of its choices. */
const CHOICES = /(?:argument|value) '(.*)' is invalid.*\. Allowed choices are (.*)\.$/s;

/** The command that the words name, and the first word after its name. */
function commandOf(program: Command, args: readonly string[]) {
  let command = program;
  const path = [program.name()];
  const words = args.filter((arg) => !arg.startsWith('-'));
  for (const word of words) {
    const below = command.commands.find(
      (each) => each.name() === word || each.aliases().includes(word),
    );
    if (below === undefined) return { path: path.join(' '), command, word };
    command = below;
    path.push(below.name());
  }
  return { path: path.join(' '), command, word: undefined };
}

/** Whether a command of mm has the option. */
function hasOption(command: Command, option: string | undefined): boolean {
  if (option === undefined) return false;
  const isOwn = command.options.some(({ long }) => long === option);
  return isOwn || command.commands.some((each) => hasOption(each, option));
}

/** The end of a message of commander. */
const MEANT = /\n\(Did you mean (.*)\?\)$/s;

function inOneLine(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(
      /^command-argument value '(.*)' is invalid for argument '(.*)'\. Allowed choices are (.*)\.$/s,
      (_, found: string, name: string, choices: string) =>
        `<${name}>: expected one of ${choices}, found ${JSON.stringify(found.slice(0, 80))}`,
    )
    .replace(/Allowed choices are/, 'expected one of')
    .replace(MEANT, '; did you mean $1?')
    .replace(
      /^option '([^'\s]*)[^']*' argument '(.*)' is invalid\. (.*?)\.?$/s,
      (_, name: string, found: string, why: string) =>
        `${name}: ${why}, found ${JSON.stringify(found.slice(0, 80))}`,
    );
}
