import { SignatureV4 } from '@smithy/signature-v4';
import { messageOf } from '../../../shared/clean-text.ts';
import { readBounded } from '../body.ts';
import { proxyFor } from '../connection/proxy.ts';
import type { Credentials } from '../credentials/credential-chain.ts';
import { openConnection } from '../light/http.ts';
import { queryText, type S3Place } from '../light/place.ts';
import { Sha256 } from '../light/sha256.ts';
import type { S3Settings } from '../settings.ts';
import type { Store } from './store.ts';

const QUERY = { Action: 'GetCallerIdentity', Version: '2011-06-15' };
const LIMIT_MS = 10_000;
const MAX_BYTES = 64 * 1024;

/**
 * Says who holds these credentials: AWS STS tells everyone, without a permission. A network that
 * reaches only S3 is no fault, so an error is a part of the answer. Undefined for another store,
 * unless `AWS_ENDPOINT_URL_STS` names its STS.
 */
export async function callerText(
  { isAws, region = 'us-east-1' }: Pick<Store, 'isAws' | 'region'>,
  credentials: Credentials,
  settings: S3Settings,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<string | undefined> {
  const { AWS_ENDPOINT_URL_STS: endpoint } = env;
  if (!isAws && !endpoint) return undefined;
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const place = placeOf(endpoint || `https://sts.${region}.${domain}`);
  const connection = openConnection(place, settings, proxyFor(place, settings.proxy, env));
  try {
    const signer = new SignatureV4({ service: 'sts', region, credentials, sha256: Sha256 });
    const { headers } = await signer.sign({
      ...{ method: 'GET', protocol: 'https:', hostname: place.hostname, path: '/', query: QUERY },
      headers: { host: place.host },
    });
    const answer = await connection.send({
      ...{ method: 'GET', path: `/${queryText(QUERY)}`, headers, body: undefined },
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const bytes = await readBounded(answer, { maxBytes: MAX_BYTES, length: undefined });
    const arn = /<Arn>([^<]{1,2048})<\/Arn>/.exec(bytes?.toString() ?? '')?.[1];
    return arn ?? `unknown: STS answered ${answer.statusCode}`;
  } catch (error) {
    return `unknown: ${messageOf(error, 200)}`;
  } finally {
    connection.close();
  }
}

function placeOf(endpoint: string): S3Place {
  const { protocol, hostname, port, host } = new URL(endpoint);
  const isTls = protocol === 'https:';
  return { isTls, hostname, port: port || undefined, host, pathPrefix: '' };
}
