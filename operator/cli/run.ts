import { CommanderError } from 'commander';
import { asciiJson, messageOf, printableLines } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import type { ErrorAnswer } from '../answers.ts';
import type { Context } from '../context.ts';
import { buildProgram } from './program.ts';

export interface Streams {
  out(text: string): void;
  err(text: string): void;
}

/**
 * Runs one command line and returns the exit code: 0 done, 1 failed, 2 wrong usage. Only the answer
 * goes to stdout; everything else goes to stderr.
 */
export async function run(
  args: readonly string[],
  context: Context,
  streams: Streams,
): Promise<number> {
  let exitCode = 0;
  // Whatever a command prints may contain words of others, down to the arguments it was given.
  const out = (text: string) => streams.out(printableLines(text));
  const err = (text: string) => streams.err(printableLines(text));
  const program = buildProgram(context, {
    out,
    err,
    answer({ document, lines, exitCode: found = 0 }, { json }) {
      exitCode = found;
      out(json === true ? `${asciiJson(document, 2)}\n` : `${lines.join('\n')}\n`);
    },
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    err(errorText(error));
    if (args.includes('--json')) out(`${asciiJson(errorAnswer(error), 2)}\n`);
    return error instanceof CodedError && error.code === 'USAGE' ? 2 : 1;
  }
}

function errorText(error: unknown): string {
  if (isSystemError(error)) return `mm: ${messageOf(error)}\n`;
  if (!(error instanceof CodedError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `mm: unexpected error, a defect of mm\n${stack}\n`;
  }
  const text = [`mm: ${error.message.replaceAll('\n', '\n    ')}`];
  if (error.next !== undefined) text.push(`next: ${error.next}`);
  return `${text.join('\n')}\n`;
}

/** A full disk or a missing permission, for example. Node's message names the file. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'errno' in error;
}

function errorAnswer(error: unknown): ErrorAnswer {
  const message = error instanceof CodedError ? error.message : messageOf(error);
  const { code = null, next = null } = error instanceof CodedError ? error : {};
  return { schemaVersion: 1, error: { code, message, next } };
}
