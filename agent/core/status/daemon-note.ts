import { printable } from '../../../shared/clean-text.ts';

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

/** Reads a note. What is not a note, or of another version, says nothing. */
export function parseDaemonNote(text: string | undefined): DaemonNote {
  const found = text === undefined ? undefined : parseJson(text);
  if (typeof found !== 'object' || found === null) return NO_NOTE;
  const { lastPollAt, lastPoll, nextPollAt, nextRunAt, daemonVersion } = found as Record<
    string,
    unknown
  >;
  return {
    lastPollAt: instant(lastPollAt),
    lastPoll: typeof lastPoll === 'string' ? printable(lastPoll, 500) : null,
    nextPollAt: instant(nextPollAt),
    nextRunAt: instant(nextRunAt),
    daemonVersion: typeof daemonVersion === 'string' ? printable(daemonVersion, 100) : null,
  };
}

/**
 * When a daemon of another version has planned the next run, in ms since 1970: its package was
 * upgraded or downgraded since then, which is no reason to run Puppet. Undefined: this daemon is no
 * successor of that kind.
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
