import type { Check } from '../../../shared/doctor/checks.ts';
import { readClockFloor, resetClockFloor } from '../../../trust/kept/trust-directory.ts';
import type { TreeConfig } from '../../config.ts';
import type { Context } from '../../context.ts';

/** The clock of the store may be up to a day ahead. A floor beyond that came from a wrong clock. */
const DAY_MS = 86_400_000;

/**
 * The check of the clock floor: mm does not trust a clock that shows an earlier time. With
 * `--reset-clock` the floor is deleted first.
 */
export function checkClock(
  context: Pick<Context, 'now'>,
  { stateDirectory }: Pick<TreeConfig, 'stateDirectory'>,
  { resetClock }: { readonly resetClock?: boolean | undefined },
): Check {
  const name = 'clock floor';
  const forgotten = resetClock === true ? resetClockFloor(stateDirectory) : 0;
  if (forgotten !== 0) return ok(name, `forgot ${instant(forgotten)}`);
  const floor = readClockFloor(stateDirectory);
  if (floor === 0) return ok(name, 'nothing is kept');
  const message = `never before ${instant(floor)}, kept in ${stateDirectory}`;
  if (floor <= context.now() + DAY_MS) return ok(name, message);
  const next = 'set the clock of this machine, or: mm doctor --reset-clock';
  return { name, outcome: 'failed', message: `${message}, ahead of this machine's clock`, next };
}

function ok(name: string, message: string): Check {
  return { name, outcome: 'ok', message, next: null };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
