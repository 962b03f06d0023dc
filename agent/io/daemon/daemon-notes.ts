import { foreignText } from '../../../shared/foreign-file.ts';
import type { Trigger } from '../../core/decide.ts';
import type { PollResult } from '../../core/poll-result.ts';
import {
  type DaemonNote,
  parseDaemonNote,
  runPlannedBefore,
} from '../../core/status/daemon-note.ts';
import type { Due } from '../../loop.ts';
import type { Clock } from '../../ports.ts';
import { VERSION } from '../../program/version.ts';
import { writeRuntimeFile } from './runtime-file.ts';
import type { ServiceNotifier } from './service/service-notify.ts';

/** What the daemon says about itself, to systemd and to the commands of `mm-agent`. */
export interface DaemonNotes {
  /** The bucket has answered a poll. */
  answered(): void;
  polled(result: PollResult): void;
  cycleStarts(trigger: Trigger): void;
  cycleEnded(trigger: Trigger, error: string | undefined): void;
  /** A turn has ended. It is the only one that writes: an idle poll writes one small file. */
  planned(due: Pick<Due, 'pollAt' | 'applyAt'>): void;
}

/**
 * Keeps the `Status:` line of `systemctl status`, and the file `path` in the runtime directory. If
 * the file cannot be written, only `mm-agent status` and `why` show less.
 */
export function daemonNotes(
  path: string,
  { clock, notifier }: { readonly clock: Pick<Clock, 'now'>; readonly notifier: Notifier },
): DaemonNotes {
  let lastPollAt: string | null = null;
  let lastPoll: string | null = null;
  let last = 'started';
  return {
    answered() {
      lastPollAt = new Date(clock.now()).toISOString();
    },
    polled(result) {
      lastPoll = pollText(result);
      last = `${lastPoll} at ${timeText(clock.now())}`;
    },
    cycleStarts(trigger) {
      notifier.status(`a cycle is under way (${trigger}) since ${timeText(clock.now())}`);
    },
    cycleEnded(trigger, error) {
      const how = error === undefined ? 'ended' : `ended with ${error}`;
      last = `last cycle (${trigger}) ${how} at ${timeText(clock.now())}`;
    },
    planned({ pollAt, applyAt }) {
      notifier.status(`${last}; next poll at ${timeText(pollAt)}`);
      const note: DaemonNote = {
        lastPollAt,
        lastPoll,
        nextPollAt: instant(pollAt),
        nextRunAt: instant(applyAt),
        daemonVersion: VERSION,
      };
      writeRuntimeFile(path, JSON.stringify(note));
    },
  };
}

/** See {@link runPlannedBefore}; `path` is that of the notes. */
export function plannedBefore(path: string): number | undefined {
  return runPlannedBefore(parseDaemonNote(foreignText(path, MAX_NOTE_BYTES)), VERSION);
}

export const MAX_NOTE_BYTES = 4096;

type Notifier = Pick<ServiceNotifier, 'status'>;

function pollText(result: PollResult): string {
  switch (result.kind) {
    case 'idle':
      return 'nothing new';
    case 'failed':
      return `the poll failed with ${result.error}`;
    case 'cycle':
      return `a cycle was due: ${result.why}`;
  }
}

/** Null for a time that never comes. */
function instant(at: number): string | null {
  return Number.isFinite(at) ? new Date(at).toISOString() : null;
}

/** In UTC, to the second. */
function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
