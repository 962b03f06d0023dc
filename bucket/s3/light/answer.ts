import type { IncomingMessage } from 'node:http';
import { readBounded } from '../body.ts';
import type { SdkLikeError } from './retry.ts';

/** S3's own errors take less than 1 kB. */
const MAX_ERROR_BYTES = 64 * 1024;

/**
 * Reads S3's XML error into the shape of the SDK's errors. Stores other than AWS leave fields out.
 */
export async function errorOf(answer: IncomingMessage): Promise<SdkLikeError> {
  const { statusCode = 0 } = answer;
  const headers = Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
  );
  const bytes = await readBounded(answer, { maxBytes: MAX_ERROR_BYTES, length: undefined });
  const xml = bytes?.toString() ?? '';
  const field = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return Object.assign(new Error(field('Message') ?? ''), {
    name: field('Code') ?? 'Unknown',
    Region: field('Region'),
    ServerTime: field('ServerTime'),
    $metadata: { httpStatusCode: statusCode },
    $response: { statusCode, headers },
  });
}
