import { CodedError } from '../../shared/coded-error.ts';
import { resetClockFloor } from '../../trust/kept/trust-directory.ts';
import { withReserveSync } from '../disk/reserve.ts';
import { systemClock } from '../io/clock.ts';
import { requireWritable } from '../io/host/permission.ts';
import { acquireCycleLock } from '../io/locks/cycle-lock.ts';
import { printAnswer } from '../io/print-answer.ts';
import type { Options } from '../options.ts';
import { localPaths } from '../paths.ts';

/** A running cycle may still write the older floor, so wait for its end. */
const WAIT_MS = 60_000;

/**
 * `mm-agent reset-clock`: deletes the clock floor, the earliest time that this host accepts from a
 * clock. It is needed on a host whose clock was once far ahead: there all metadata counts as
 * expired until real time reaches the floor. Throws PERMISSION_DENIED and LOCKED.
 */
export async function resetClock(options: Options): Promise<number> {
  if (options.operands.length > 0) {
    throw new CodedError(
      `reset-clock has no arguments, found ${JSON.stringify(options.operands[0])}`,
      { code: 'USAGE', next: 'mm-agent --help' },
    );
  }
  const paths = localPaths(options.root);
  requireWritable([paths.state, paths.runtime], options.argv);
  const stop = new AbortController().signal;
  const lock = await acquireCycleLock({
    path: paths.lock,
    waitMs: WAIT_MS,
    clock: systemClock,
    stop,
  });
  try {
    const floor = withReserveSync(paths, 'files', () => resetClockFloor(paths.trust));
    printAnswer(
      floor === 0 ? 'no floor was kept' : `forgot the floor ${new Date(floor).toISOString()}`,
    );
    return 0;
  } finally {
    await lock.release();
  }
}
