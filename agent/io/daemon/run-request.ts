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
 * A command requests a cycle from the daemon. It writes the request into the runtime directory,
 * where only root can write, and sends SIGUSR2, which only root may. The daemon looks for a request
 * at each wake-up, so a request is not lost when its signal was never sent. The daemon answers when
 * the cycle has ended. The command holds `requestLock`, so there is one request at a time. The
 * files are parsed without a schema, because the daemon does not load zod.
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

/** Writes a request for the daemon. Throws the errors of the file system. */
export function writeRequest({ request }: RequestPaths, wanted: Omit<RunRequest, 'id'>): string {
  const id = randomUUID();
  replaceFileSync(request, JSON.stringify({ ...wanted, id }), { mode: 0o600 });
  return id;
}

/** Whether there is a request that the daemon has not read. */
export function isRequestWaiting({ request }: Pick<RequestPaths, 'request'>): boolean {
  return existsSync(request);
}

/** For the daemon: returns the waiting request and removes it. Never throws. */
export function acceptRequest(paths: RequestPaths): RunRequest | undefined {
  if (!isRequestWaiting(paths)) return undefined;
  const { id, trigger, noop } = jsonObject(parseJson(foreignText(paths.request, MAX_BYTES)));
  removeRequest(paths);
  // A request that cannot be removed would be carried out again at each wake-up.
  if (isRequestWaiting(paths) || typeof id !== 'string') return undefined;
  // An unknown request must not change the host.
  return { id, trigger: trigger === 'poll' ? 'poll' : 'asked', noop: noop !== false };
}

/**
 * For the daemon: runs a cycle and answers the request for it, even when the cycle could not be
 * started. When the cycle goes on without the daemon there is no answer: the command then notices
 * that the daemon has ended.
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
  // On a read-only disk no command can have written one.
  orUndefined(() => rmSync(request, { recursive: true, force: true }));
}

/** Removes an answer that was read, or that nobody waits for. */
export function removeAnswer({ answer }: Pick<RequestPaths, 'answer'>): void {
  rmSync(answer, { recursive: true, force: true });
}
