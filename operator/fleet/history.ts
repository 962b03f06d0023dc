import { join } from 'node:path';
import { z } from 'zod';
import { Instant } from '../../bucket/documents/names.ts';
import { replaceFileSync } from '../../shared/atomic-file.ts';
import { orUndefined, readStart } from '../../shared/files.ts';
import { parseJson } from '../../shared/json.ts';
import { STATE_SQL } from './host-state.ts';
import type { CopiedPlace, FleetStore } from './store.ts';

/*
 * How many hosts were in which state after each sync. It is a file of its own beside the store,
 * because the bucket has only the last status of each host: a store is made again, this is not.
 */

/** The hosts of each state at one time. States without a host are left out. */
export const HistoryPoint = z.object({
  at: Instant,
  hosts: z.record(z.string().max(32), z.int().min(0)),
});
export type HistoryPoint = z.infer<typeof HistoryPoint>;

/** More than `thinned` ever leaves. */
const MAX_POINTS = 1000;
export const MAX_HISTORY_BYTES = 1_000_000;

const History = z.object({
  schemaVersion: z.literal(1),
  /** Null: AWS. Left out in the bucket itself. */
  endpoint: z.string().nullable().optional(),
  bucket: z.string(),
  tree: z.string(),
  points: z.array(HistoryPoint).max(MAX_POINTS),
});

/** The history of a place, the oldest point first. Empty when no readable history exists. */
export function readHistory(directory: string, place: CopiedPlace): readonly HistoryPoint[] {
  return pointsIn(orUndefined(() => readStart(fileIn(directory), MAX_HISTORY_BYTES)) ?? '', place);
}

/** The points of a history of that place; none of what is something else. */
export function pointsIn(content: string | Buffer, place: CopiedPlace): readonly HistoryPoint[] {
  const { data } = History.safeParse(parseJson(content));
  if (data?.bucket !== place.bucket || data.tree !== place.tree) return [];
  const { endpoint = place.endpoint ?? null, points } = data;
  return endpoint === (place.endpoint ?? null) ? points : [];
}

/** The history as it is stored in the bucket, which machines reach in different ways. */
export function historyText({ bucket, tree }: CopiedPlace, points: readonly HistoryPoint[]) {
  return `${JSON.stringify({ schemaVersion: 1, bucket, tree, points })}\n`;
}

/** Adds what the store has now. */
export function addToHistory(
  directory: string,
  place: CopiedPlace,
  { store, now }: { readonly store: FleetStore; readonly now: number },
): void {
  const point = { at: new Date(now).toISOString(), hosts: hostsByState(store, now) };
  mergeHistory(directory, place, { points: [point], now });
}

/** Adds points, also those of another machine. */
export function mergeHistory(
  directory: string,
  place: CopiedPlace,
  { points, now }: { readonly points: readonly HistoryPoint[]; readonly now: number },
): void {
  const { endpoint = null, bucket, tree } = place;
  const all = thinned([...readHistory(directory, place), ...points], now);
  const history = { schemaVersion: 1, endpoint, bucket, tree, points: all };
  replaceFileSync(fileIn(directory), `${JSON.stringify(history)}\n`, { mode: 0o600 });
}

function fileIn(directory: string): string {
  return join(directory, 'history.json');
}

function hostsByState(store: FleetStore, now: number): Record<string, number> {
  const rows = store.database
    .prepare(`SELECT ${STATE_SQL} AS state, count(*) AS hosts FROM host GROUP BY 1`)
    .all(now);
  return Object.fromEntries(rows.map((row) => [String(row['state']), Number(row['hosts'])]));
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const HOURLY = 14 * DAY;
const DAILY = 400 * DAY;

/**
 * Of each hour of the last two weeks, and of each day before, the last point. At most 736 are left,
 * however often somebody syncs.
 */
export function thinned(points: readonly HistoryPoint[], now: number): HistoryPoint[] {
  const last = new Map<string, HistoryPoint>();
  for (const point of points.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))) {
    const at = Date.parse(point.at);
    // A later point is of a clock that was wrong.
    if (at > now || at < now - DAILY) continue;
    const unit = at > now - HOURLY ? HOUR : DAY;
    last.set(`${unit} ${Math.floor(at / unit)}`, point);
  }
  return [...last.values()];
}
