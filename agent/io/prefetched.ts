import { text } from 'node:stream/consumers';
import * as z from 'zod';
import type { Prefetched } from '../loop.ts';

const Handed = z.object({
  bytes: z.base64().transform((base64) => Buffer.from(base64, 'base64')),
  etag: z.string(),
  serverDate: z.number().optional(),
});

/** The cycle's side of what `runCycleChild` hands it on stdin: timestamp.json as the daemon's poll read it. */
export async function readPrefetched(): Promise<Prefetched> {
  const { bytes, etag, serverDate } = Handed.parse(JSON.parse(await text(process.stdin)));
  return { bytes, etag, serverDate };
}
