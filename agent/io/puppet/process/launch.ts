import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { CodedError } from '../../../../shared/coded-error.ts';
import type { Launched, LeaderEnd } from './supervise.ts';

/** A program to be started: an absolute path and its words, never a shell's text. */
export interface Command {
  readonly path: string;
  readonly arguments: readonly string[];
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** A file, open for appending; takes both of its outputs. */
  readonly output: { readonly path: string; readonly fd: number };
}

/**
 * Starts a program as the leader of a process group and a session of its own; rejects if it cannot be started. Its
 * output is a file and not a pipe: a Puppet whose agent died must not break on its next line.
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
  if (child.pid === undefined) throw new Error('it has no process id');
  return { pid: child.pid, ended };
}

/** spawn has no umask of its own, but it has forked when it returns. */
function spawnWithUmask({ path, environment, output, ...command }: Command): ChildProcess {
  const umask = process.umask(0o022);
  try {
    return spawn(path, command.arguments, {
      cwd: '/',
      env: environment,
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
    });
  } finally {
    process.umask(umask);
  }
}

/** PUPPET_NOT_STARTED, whatever it was that kept Puppet from starting: the program, systemd, or a full disk. */
export function notStarted(path: string, cause: unknown): CodedError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CodedError(`could not start Puppet at ${path}: ${why}`, {
    code: 'PUPPET_NOT_STARTED',
    cause,
    next: `${path} --version`,
  });
}
