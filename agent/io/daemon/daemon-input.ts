import { text } from 'node:stream/consumers';
import * as z from 'zod';
import type { Config } from '../../config/config.ts';
import type { Prefetched } from '../../core/poll-result.ts';
import { VERSION } from '../../program/version.ts';

const Input = z.object({
  version: z.string(),
  config: z.unknown(),
  prefetched: z
    .object({
      bytes: z.base64().transform((base64) => Buffer.from(base64, 'base64')),
      etag: z.string().optional(),
      serverDate: z.number().optional(),
    })
    .optional(),
});

export interface DaemonInput {
  /**
   * The configuration as the daemon checked it. Undefined from a daemon of another version, which
   * may know other keys.
   */
  readonly config: Config | undefined;
  /** timestamp.json, when a poll of the daemon started the cycle. */
  readonly prefetched: Prefetched | undefined;
}

/** A cycle that was started by hand reads everything itself. */
export const NO_DAEMON_INPUT: DaemonInput = { config: undefined, prefetched: undefined };

/** Reads what `runCycleChild` writes to stdin of the cycle. */
export async function readDaemonInput(): Promise<DaemonInput> {
  const { version, config, prefetched } = Input.parse(JSON.parse(await text(process.stdin)));
  return {
    config: version === VERSION ? (config as Config) : undefined,
    prefetched: prefetched && {
      ...prefetched,
      etag: prefetched.etag,
      serverDate: prefetched.serverDate,
    },
  };
}
