import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { replaceFileSync } from '../../../shared/atomic-file.ts';
import { orUndefined } from '../../../shared/files.ts';
import { foreignText } from '../../../shared/foreign-file.ts';
import { jsonObject, parseJson } from '../../../shared/json.ts';
import { EXIT_CODES } from '../../core/exit-code.ts';
import type { HostPaths } from '../../paths.ts';
import { writeRuntimeFile } from './runtime-file.ts';

/*
 * A command asks the daemon for a cycle: it writes the request into the runtime directory, where
 * only root writes, and sends SIGUSR2, which only root may. The daemon looks for a request at each
 * wake-up, so one whose signal was never sent is not lost. It answers when the cycle has ended. One
 * request at a time: the command holds `requestLock`. The daemon does not load zod, so the files
 * are read by hand.
 */

/** Which cycle the daemon is asked for. */
export interface RunRequest {
  readonly id: string;
  /** `poll`: a cycle that runs Puppet only when something is new. */
  readonly trigger: 'asked' | 'poll';
  readonly noop: boolean;
}

/** How the cycle ended: with the exit code of `mm-agent --once`. */
export interface RunAnswer {
  readonly id: string;
  readonly exitCode: number;
}

type RequestPaths = Pick<HostPaths, 'request' | 'answer'>;

const MAX_BYTES = 4096;

/** Puts a request down for the daemon. Throws the errors of the file system. */
export function writeRequest({ request }: RequestPaths, wanted: Omit<RunRequest, 'id'>): string {
  const id = randomUUID();
  replaceFileSync(request, JSON.stringify({ ...wanted, id }), { mode: 0o600 });
  return id;
}

/** Whether a request is there that the daemon has not read. */
export function isRequestWaiting({ request }: Pick<RequestPaths, 'request'>): boolean {
  return existsSync(request);
}

/** For the daemon: the request that is waiting. It is not read a second time. Never throws. */
export function acceptRequest(paths: RequestPaths): RunRequest | undefined {
  if (!isRequestWaiting(paths)) return undefined;
  const { id, trigger, noop } = jsonObject(parseJson(foreignText(paths.request, MAX_BYTES)));
  removeRequest(paths);
  // One that cannot be removed would be done again at each wake-up.
  if (isRequestWaiting(paths) || typeof id !== 'string') return undefined;
  // A request that cannot be understood must not change the host.
  return { id, trigger: trigger === 'poll' ? 'poll' : 'asked', noop: noop !== false };
}

/**
 * For the daemon: runs a cycle and answers the request for it, also when the cycle could not be
 * started. No answer while a cycle goes on without the daemon: the command notices the end of the
 * daemon.
 */
export async function withAnswer<T extends { readonly exitCode?: number }>(
  { answer }: RequestPaths,
  request: RunRequest | undefined,
  run: () => Promise<T>,
): Promise<T> {
  let exitCode: number | undefined = EXIT_CODES.failed.code;
  try {
    const end = await run();
    exitCode = end.exitCode;
    return end;
  } finally {
    if (request !== undefined && exitCode !== undefined) {
      writeRuntimeFile(answer, JSON.stringify({ id: request.id, exitCode }));
    }
  }
}

/** The answer to the request; undefined while the cycle is under way. */
export function readAnswer({ answer }: RequestPaths, id: string): RunAnswer | undefined {
  const { id: answered, exitCode } = jsonObject(parseJson(foreignText(answer, MAX_BYTES)));
  return answered === id && typeof exitCode === 'number' ? { id, exitCode } : undefined;
}

/** Removes a request that no daemon will read. */
export function removeRequest({ request }: Pick<RequestPaths, 'request'>): void {
  // On a read-only disk nobody can have made one since.
  orUndefined(() => rmSync(request, { force: true }));
}

/** Removes an answer that was read, or that nobody waits for. */
export function removeAnswer({ answer }: Pick<RequestPaths, 'answer'>): void {
  rmSync(answer, { force: true });
}
