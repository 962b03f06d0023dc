import { messageOf, printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import type { Duration } from '../../../shared/duration.ts';
import type { CommonOptions, Context } from '../../context.ts';
import {
  changesBetween,
  type StateChange,
  type States,
  statesOf,
} from '../../fleet/state-changes.ts';
import type { InstanceOptions } from '../../hosts/instances.ts';
import { Where } from '../../hosts/where/where.ts';
import { type ChangeDocument, runOnChange } from './on-change.ts';
import { withStore } from './open-store.ts';
import { sync } from './sync.ts';

export interface WatchOptions extends CommonOptions, InstanceOptions {
  /** True: once a minute. */
  readonly watch?: true | Duration | undefined;
  /** A command of the shell. */
  readonly onChange?: string | undefined;
  readonly where?: readonly string[] | undefined;
}

const DEFAULT_SECONDS = 60;
const MAX_NAMED = 20;
const MAX_CHANGES = 1000;

/**
 * Copies the statuses again and again, calls `show` after each time, and names the hosts whose
 * state has changed. Throws what the first copy throws; later the next one may succeed.
 */
export async function watchFleet(
  context: Context,
  options: WatchOptions,
  show: (changes: readonly StateChange[] | undefined) => Promise<void>,
): Promise<void> {
  const { watch, where } = options;
  const everyMs = 1000 * (typeof watch === 'object' ? watch.seconds : DEFAULT_SECONDS);
  let before: States | undefined;
  do {
    try {
      await sync(context, options);
    } catch (error) {
      if (before === undefined || !(error instanceof CodedError)) throw error;
      context.notice(`${messageOf(error, 300)}; mm tries again in ${everyMs / 1000} s`);
      continue;
    }
    await withStore(context, options, async ({ config, store }) => {
      const after = await statesOf(store, new Where(where, 'copy'), context.now());
      const changes = before && changesBetween(store, before, after);
      before = after;
      await show(changes);
      if (changes === undefined || changes.length === 0 || options.onChange === undefined) return;
      const document: ChangeDocument = {
        ...{ schemaVersion: 1, bucket: config.bucket, tree: config.tree },
        at: new Date(context.now()).toISOString(),
        changes: changes.slice(0, MAX_CHANGES),
        total: changes.length,
      };
      const problem = await runOnChange(options.onChange, document, context);
      if (problem !== undefined) context.notice(`--on-change: ${problem}`);
    });
  } while (await context.wait(everyMs));
}

/** The changes for a person. */
export function changeLines(changes: readonly StateChange[], now: number): string[] {
  const at = new Date(now).toISOString();
  const lines = changes.slice(0, MAX_NAMED).map(({ certname, from, to, failure }) => {
    const why = failure === null || to === 'ok' ? '' : `: ${failure}`;
    return printable(`${at} ${certname}: ${from ?? 'new'} -> ${to ?? 'gone'}${why}`, 400);
  });
  const more = changes.length - MAX_NAMED;
  return more > 0 ? [...lines, `and ${counted(more, 'host')} more`] : lines;
}
