import { CodedError } from '../../../shared/coded-error.ts';
import { systemClock as clock } from '../../io/clock.ts';
import {
  isRequestWaiting,
  type RunRequest,
  readAnswer,
  removeAnswer,
  removeRequest,
  writeRequest,
} from '../../io/daemon/run-request.ts';
import { serviceCommand } from '../../io/daemon/service/service-name.ts';
import { REQUEST_SIGNAL, stopOnSignals } from '../../io/daemon/signals.ts';
import { acquireCycleLock } from '../../io/locks/cycle-lock.ts';
import { canBeAsked, type DaemonHolder, findDaemon } from '../../io/locks/daemon-claim.ts';
import type { HostPaths } from '../../paths.ts';

/** Another command may wait for its own cycle for this long. */
const LOCK_WAIT_MS = 10 * 60_000;
const LOOK_AGAIN_MS = 200;

/** How a request ended for the command that made it. */
export type RequestEnd =
  | { readonly kind: 'ended'; readonly exitCode: number }
  /** The daemon ended before the cycle did. Puppet goes on without it. */
  | { readonly kind: 'daemon-gone' }
  /** A signal ended the wait. The cycle goes on. */
  | { readonly kind: 'not-waited' };

/**
 * Asks the daemon for a cycle and waits for its end. Throws DAEMON_MISSING, LOCKED, and the errors
 * of the file system.
 */
export async function askDaemon(
  paths: HostPaths,
  wanted: Omit<RunRequest, 'id'>,
): Promise<RequestEnd> {
  await requireDaemon(paths);
  const stop = stopOnSignals('SIGHUP');
  const lock = await acquireCycleLock({
    ...{ path: paths.requestLock, waitMs: LOCK_WAIT_MS, clock, stop },
  });
  try {
    await untilRead(paths, stop);
    const daemon = await requireDaemon(paths);
    const id = writeRequest(paths, wanted);
    process.kill(daemon.pid, REQUEST_SIGNAL);
    for (;;) {
      const answer = readAnswer(paths, id);
      if (answer !== undefined) return { kind: 'ended', exitCode: answer.exitCode };
      if (stop.aborted) return { kind: 'not-waited' };
      if ((await findDaemon(paths))?.pid !== daemon.pid) {
        removeRequest(paths);
        return { kind: 'daemon-gone' };
      }
      await clock.sleep(LOOK_AGAIN_MS, stop);
    }
  } finally {
    removeAnswer(paths);
    await lock.release();
  }
}

/**
 * A command that was ended by a signal leaves its request, which the daemon carries out first. A
 * command that was killed may not have sent its signal, so it is sent again.
 */
async function untilRead(paths: HostPaths, stop: AbortSignal): Promise<void> {
  // The clock may be set meanwhile.
  const giveUpAt = performance.now() + LOCK_WAIT_MS;
  if (isRequestWaiting(paths)) process.kill((await requireDaemon(paths)).pid, REQUEST_SIGNAL);
  while (isRequestWaiting(paths) && (await findDaemon(paths)) !== undefined) {
    if (stop.aborted || performance.now() >= giveUpAt) {
      throw new CodedError('the daemon has not begun the run that an earlier command asked for', {
        code: 'LOCKED',
        next: `mm-agent status; or restart the daemon: ${serviceCommand('restart')}`,
        details: { path: paths.request },
      });
    }
    await clock.sleep(LOOK_AGAIN_MS, stop);
  }
}

async function requireDaemon(paths: HostPaths): Promise<DaemonHolder> {
  const daemon = await findDaemon(paths);
  if (daemon !== undefined && canBeAsked(daemon)) return daemon;
  const what = daemon === undefined ? 'found none' : `process ${daemon.pid} is of another version`;
  throw new CodedError(`wanted a daemon on this host that runs Puppet now: ${what}`, {
    code: 'DAEMON_MISSING',
    next: `mm-agent --once; or restart the daemon: ${serviceCommand('restart')}`,
  });
}
