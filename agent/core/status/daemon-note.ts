import { printable } from '../../../shared/clean-text.ts';
import { jsonObject, parseJson } from '../../../shared/json.ts';

/** What the daemon notes after each turn. Instants are ISO 8601. */
export interface DaemonNote {
  /** The last poll that the bucket answered. */
  readonly lastPollAt: string | null;
  /** What the last poll found. */
  readonly lastPoll: string | null;
  readonly nextPollAt: string | null;
  /** The next run without a new release; null: none is scheduled. */
  readonly nextRunAt: string | null;
  readonly daemonVersion: string | null;
}

export const NO_NOTE: DaemonNote = {
  lastPollAt: null,
  lastPoll: null,
  nextPollAt: null,
  nextRunAt: null,
  daemonVersion: null,
};

/** Parses a note. Fields that are missing or of another type, as in another version, are null. */
export function parseDaemonNote(text: string | undefined): DaemonNote {
  const { lastPollAt, lastPoll, nextPollAt, nextRunAt, daemonVersion } = jsonObject(
    parseJson(text),
  );
  return {
    lastPollAt: instant(lastPollAt),
    lastPoll: typeof lastPoll === 'string' ? printable(lastPoll, 500) : null,
    nextPollAt: instant(nextPollAt),
    nextRunAt: instant(nextRunAt),
    daemonVersion: typeof daemonVersion === 'string' ? printable(daemonVersion, 100) : null,
  };
}

/**
 * Returns when a daemon of another version planned the next run, in ms since 1970. The package was
 * then upgraded or downgraded, which is no reason to run Puppet. Undefined when the last daemon had
 * the same version.
 */
export function runPlannedBefore(note: DaemonNote, version: string): number | undefined {
  const { daemonVersion, nextRunAt } = note;
  if (daemonVersion === null || daemonVersion === version || nextRunAt === null) return undefined;
  return Date.parse(nextRunAt);
}

function instant(value: unknown): string | null {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}
