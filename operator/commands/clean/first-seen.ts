import { join } from 'node:path';
import { z } from 'zod';
import { replaceFileSync } from '../../../shared/atomic-file.ts';
import { ownText } from '../../../shared/foreign-file.ts';
import { parseJson } from '../../../shared/json.ts';
import type { CleanAnswer } from '../../clean-answer.ts';
import type { TreeConfig } from '../../config.ts';
import { toInstant } from '../../metadata/release-change.ts';

/*
 * A thief can write any date into a bucket. Nobody else can change when this machine first saw that
 * an object is no longer named.
 */

const Seen = z.record(z.string(), z.iso.datetime());

/**
 * Returns by key when `mm clean` first saw on this machine that nothing names the object, in ms
 * since 1970. The caller must pass all objects that nothing names now, and must hold the lock of
 * the kept state. An unreadable file only makes the objects wait longer.
 */
export function firstSeen(
  { stateDirectory }: Pick<TreeConfig, 'stateDirectory'>,
  unnamed: readonly Pick<CleanAnswer['removed'][number], 'key' | 'uploadedAt'>[],
  now: number,
): ReadonlyMap<string, number> {
  const path = join(stateDirectory, 'unnamed.json');
  const before = Seen.safeParse(parseJson(ownText(path))).data;
  const seen = new Map(
    unnamed.map(({ key, uploadedAt }) => {
      const at = Date.parse(before?.[key] ?? toInstant(now));
      // The clock may have been wrong at that time.
      return [key, Math.min(Math.max(at, Date.parse(uploadedAt)), now)];
    }),
  );
  const content = [...seen].map(([key, at]) => [key, toInstant(at)]);
  replaceFileSync(path, JSON.stringify(Object.fromEntries(content)), { mode: 0o600 });
  return seen;
}
