import { text } from 'node:stream/consumers';
import * as z from 'zod/mini';
import type { Config } from '../../config/config.ts';
import type { Prefetched } from '../../core/poll-result.ts';
import { VERSION } from '../../program/version.ts';

const OnStdin = z.object({
  version: z.string(),
  config: z.unknown(),
  prefetched: z.optional(
    z.object({
      bytes: z.pipe(
        z.base64(),
        z.transform((base64) => Buffer.from(base64, 'base64')),
      ),
      etag: z.optional(z.string()),
      serverDate: z.optional(z.number()),
    }),
  ),
});

export interface Handed {
  /** As the daemon had it checked; undefined from a daemon of another version, which knows other keys. */
  readonly config: Config | undefined;
  /** timestamp.json, if it was the daemon's poll that began the cycle. */
  readonly prefetched: Prefetched | undefined;
}

/** By hand: the cycle reads everything itself. */
export const NOTHING_HANDED: Handed = { config: undefined, prefetched: undefined };

/** The cycle's side of what `runCycleChild` hands it on stdin. */
export async function readHanded(): Promise<Handed> {
  const { version, config, prefetched } = OnStdin.parse(JSON.parse(await text(process.stdin)));
  return {
    config: version === VERSION ? (config as Config) : undefined,
    prefetched: prefetched && {
      ...prefetched,
      etag: prefetched.etag,
      serverDate: prefetched.serverDate,
    },
  };
}
