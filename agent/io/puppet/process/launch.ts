import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { CodedError } from '../../../../shared/coded-error.ts';
import { asDiskError } from '../../../../shared/disk-error.ts';
import { shellWord } from '../../../../shared/shell-word.ts';
import type { Launched, LeaderEnd } from './supervise.ts';

/** A program with its arguments. No shell interprets them. The path is absolute. */
export interface Command {
  readonly path: string;
  readonly arguments: readonly string[];
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** A file that is open for appending. It receives stdout and stderr. */
  readonly output: { readonly path: string; readonly fd: number };
  /** An open file for stdin. Left out: no input. */
  readonly input?: number;
}

/**
 * Starts a program as the leader of a new session and process group. Rejects if it cannot be
 * started. The output is a file and not a pipe, so that Puppet can keep writing when its agent
 * dies.
 */
export async function launchInGroup(command: Command): Promise<Launched> {
  const child = spawnWithUmask(command);
  const { promise: ended, resolve } = Promise.withResolvers<LeaderEnd>();
  child.once('exit', (code, signal) =>
    resolve(
      code === null ? { kind: 'signal', signal: signal ?? 'unknown' } : { kind: 'code', code },
    ),
  );
  await once(child, 'spawn');
  if (child.pid === undefined) throw new Error('the started process has no id');
  return { pid: child.pid, ended };
}

/**
 * spawn has no option for the umask. When it returns, the fork has happened, so the umask can be
 * restored.
 */
function spawnWithUmask({ path, environment, output, input, ...command }: Command): ChildProcess {
  const umask = process.umask(0o022);
  try {
    return spawn(path, command.arguments, {
      cwd: '/',
      env: environment,
      detached: true,
      stdio: [input ?? 'ignore', output.fd, output.fd],
    });
  } finally {
    process.umask(umask);
  }
}

/**
 * Returns PUPPET_NOT_STARTED, unless the cause has a code of its own, as a full disk has. The cause
 * may be the program or systemd.
 */
export function notStarted(path: string, thrown: unknown): CodedError {
  const cause = asDiskError(thrown);
  if (cause instanceof CodedError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CodedError(`could not start Puppet at ${path}: ${why}`, {
    code: 'PUPPET_NOT_STARTED',
    cause,
    next: `${shellWord(path)} --version`,
  });
}
