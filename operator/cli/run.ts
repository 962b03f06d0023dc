import { CommanderError } from 'commander';
import { asciiJson, messageOf, printableLines } from '../../shared/clean-text.ts';
import { CodedError, type ErrorCode } from '../../shared/coded-error.ts';
import { fileProblem } from '../../shared/file-problem.ts';
import { ErrorAnswer } from '../answers.ts';
import type { Context } from '../context.ts';
import { nextOf } from './errors/next-steps.ts';
import { unknownHelp, usageError } from './errors/usage-error.ts';
import { buildProgram } from './program.ts';
import { type ListOutput, printJson, printLines } from './terminal/print-list.ts';

export interface Streams extends ListOutput {
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
  /** Errors that are in the document already. */
  const printed = new Set<unknown>();
  // All output is cleaned: it can contain text of others, even in arguments.
  const out = (text: string) => streams.out(printableLines(text));
  const err = (text: string) => streams.err(printableLines(text));
  const program = buildProgram(context, {
    out,
    err,
    answer({ document, lines, exitCode: found = 0 }, { json }) {
      exitCode = found;
      out(json === true ? `${asciiJson(document, 2)}\n` : `${lines.join('\n')}\n`);
    },
    async list(answer, { json }) {
      const end = await (json === true
        ? printJson(answer, streams, (error) => {
            printed.add(error);
            return { error: errorAnswer(error).error };
          })
        : printLines(answer, streams));
      if (end === undefined) return;
      exitCode = end.exitCode ?? 0;
      if (json !== true) for (const notice of end.notices) context.notice(notice);
    },
  });
  try {
    const unknown = unknownHelp(program, args);
    if (unknown !== undefined) throw unknown;
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    const isHelp =
      thrown instanceof CommanderError && /^commander\.(help|version)/.test(thrown.code);
    if (isHelp) return thrown.exitCode === 0 ? 0 : 2;
    const error =
      thrown instanceof CommanderError ? usageError(program, args, thrown) : asCoded(thrown);
    err(errorText(error));
    if (args.includes('--json') && !printed.has(error))
      out(`${asciiJson(errorAnswer(error), 2)}\n`);
    return error instanceof CodedError && error.code === 'USAGE' ? 2 : 1;
  }
}

function errorText(error: unknown): string {
  if (!(error instanceof CodedError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `mm: unexpected error, a defect of mm\n${stack}\n`;
  }
  const text = [`mm: ${error.message.replaceAll('\n', '\n    ')}`];
  const next = nextOf(error);
  if (next !== undefined) text.push(`next: ${next}`);
  return `${text.join('\n')}\n`;
}

/** An error of this machine is no defect of mm, for example a full disk or a missing permission. */
function asCoded(error: unknown): unknown {
  if (!isSystemError(error)) return error;
  // A rename fails at the name that the file gets.
  const { code = '', path = undefined, dest = path } = error;
  const { why, next } =
    dest === undefined ? { why: messageOf(error), next: NO_PATH } : fileProblem(dest, error);
  return new CodedError(why, { code: SYSTEM_CODES[code] ?? 'FILE_FAILED', cause: error, next });
}

/** For an error of the system that names no file. */
const NO_PATH = 'free what the system lacks, or ask its administrator; then the same command again';

const SYSTEM_CODES: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'PERMISSION_DENIED',
  EPERM: 'PERMISSION_DENIED',
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
};

function isSystemError(
  error: unknown,
): error is NodeJS.ErrnoException & { readonly dest?: string } {
  return error instanceof Error && 'syscall' in error && 'errno' in error;
}

function errorAnswer(error: unknown): ErrorAnswer {
  const message = error instanceof CodedError ? error.message : messageOf(error);
  if (!(error instanceof CodedError)) {
    return { schemaVersion: 1, error: { code: null, message, next: null } };
  }
  const { code, details } = error;
  const next = nextOf(error) ?? null;
  const { problems } = details;
  const { data } = ErrorAnswer.shape.error.shape.problems.safeParse(problems);
  return { schemaVersion: 1, error: { code, message, next, ...(data && { problems: data }) } };
}
