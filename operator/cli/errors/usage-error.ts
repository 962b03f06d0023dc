import type { Command, CommanderError } from 'commander';
import { CodedError } from '../../../shared/coded-error.ts';
import { didYouMean } from '../../../shared/suggestion.ts';

/** What commander found wrong with a command line, as the error that every command has. */
export function usageError(
  program: Command,
  args: readonly string[],
  { code, message }: CommanderError,
): CodedError {
  const { path, command, word } = commandOf(program, args);
  const names = command.commands.map((each) => each.name());
  // A word after a command that can be left out, as in `mm rollout statsu stable`.
  const isExcess = code === 'commander.excessArguments' && word !== undefined;
  const [, given = '', choices = ''] = CHOICES.exec(message) ?? [];
  const hint = isExcess ? didYouMean(word, names) : didYouMean(given, choices.split(', '));
  // Commander names the command that runs when the word is left out: `start`.
  const named = isExcess ? message.replace(/ for '[^']*'/, ` for '${path}'`) : message;
  const early = earlyOption(program, args, code);
  const text = inOneLine(named).replace(/\.$/, '') + (early ?? hint);
  return new CodedError(text, { code: 'USAGE', next: `${path} --help` });
}

/** An option before the command, as other programs have them: `mm --tree osx releases`. */
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

function inOneLine(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(
      /^command-argument value '(.*)' is invalid for argument '(.*)'\. Allowed choices are (.*)\.$/s,
      (_, found: string, name: string, choices: string) =>
        `<${name}>: expected one of ${choices}, found ${JSON.stringify(found.slice(0, 80))}`,
    )
    .replace(/Allowed choices are/, 'expected one of')
    .replace(/\n\(Did you mean (.*)\?\)$/s, '; did you mean $1?')
    .replace(
      /^option '([^'\s]*)[^']*' argument '(.*)' is invalid\. (.*?)\.?$/s,
      (_, name: string, found: string, why: string) =>
        `${name}: ${why}, found ${JSON.stringify(found.slice(0, 80))}`,
    );
}
