import assert from 'node:assert/strict';
import { type Command, CommanderError } from 'commander';
import { NO_OUTPUT } from '../../operator/cli/output.ts';
import { buildProgram } from '../../operator/cli/program.ts';
import type { Context } from '../../operator/context.ts';

/*
 * The next step of an error is prose with commands in it: `mm renew stable, where its keys are`.
 * Each of these commands must exist, with these options and operands.
 */

/** Parses a command line as mm does, and runs nothing. */
const parse = parserOf(buildProgram({} as Context, NO_OUTPUT));

/** Throws AssertionError when the text names a command of mm that cannot be typed like that. */
export function requireSoundCommands(next: string, what: string): void {
  for (const words of commandsIn(next)) {
    assert.ok(
      words.some((_, index) => isSound(words, index + 1)),
      `${what}: no such command: mm ${words.join(' ')}`,
    );
  }
}

/** The words after each `mm`, up to the end of its sentence. */
function commandsIn(next: string): string[][] {
  const found = next.matchAll(/(?<![\w./-])mm ((?:--)?[a-z][^,;()]*)/g);
  return [...found].map(([, text = '']) => text.replace(/:(?= |$)/, ' ').match(WORD) ?? []);
}

const WORD = /'[^']*'|"[^"]*"|\S+/g;

/** Whether mm accepts the first words as they are. Options must not be prose. */
function isSound(words: readonly string[], count: number): boolean {
  const [typed, prose] = [words.slice(0, count), words.slice(count)];
  return !prose.some((word) => word.startsWith('--')) && parse(typed);
}

function parserOf(program: Command): (words: readonly string[]) => boolean {
  disarm(program);
  return (words) => {
    try {
      program.parse([...words], { from: 'user' });
      return true;
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      return error.code === 'commander.helpDisplayed' || error.code === 'commander.version';
    }
  };
}

function disarm(command: Command): void {
  if (command.commands.length === 0) command.action(() => undefined);
  for (const each of command.commands) disarm(each);
}
