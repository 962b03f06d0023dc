import { CommanderError } from 'commander';
import { CodedError } from '../../shared/coded-error.ts';
import type { ErrorAnswer } from '../answers.ts';
import type { Context } from '../context.ts';
import { printable } from './printable.ts';
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
  const program = buildProgram(context, {
    ...streams,
    answer({ document, lines, exitCode: found = 0 }, { json }) {
      exitCode = found;
      streams.out(json === true ? toJson(document) : `${lines.join('\n')}\n`);
    },
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    streams.err(errorText(error));
    if (args.includes('--json')) streams.out(toJson(errorAnswer(error)));
    return error instanceof CodedError && error.code === 'USAGE' ? 2 : 1;
  }
}

/** One document in ASCII: a host can write terminal escapes into its status. */
function toJson(document: object): string {
  const json = JSON.stringify(document, null, 2);
  const ascii = json.replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${ascii}\n`;
}

function errorText(error: unknown): string {
  if (isSystemError(error)) return `mm: ${printable(error.message)}\n`;
  if (!(error instanceof CodedError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `mm: unexpected error, a defect of mm\n${stack}\n`;
  }
  const lines = error.message.split('\n').map((line) => printable(line));
  const text = [`mm: ${lines[0]}`, ...lines.slice(1).map((line) => `    ${line}`)];
  if (error.next !== undefined) text.push(`next: ${printable(error.next)}`);
  return `${text.join('\n')}\n`;
}

/** A full disk or a missing permission, for example. Node's message names the file. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'errno' in error;
}

function errorAnswer(error: unknown): ErrorAnswer {
  const message = error instanceof Error ? error.message : String(error);
  const { code = null, next = null } = error instanceof CodedError ? error : {};
  return { schemaVersion: 1, error: { code, message, next } };
}
