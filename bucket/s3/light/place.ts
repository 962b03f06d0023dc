import { accessPointOf } from '../access-point.ts';
import type { S3Settings } from '../settings.ts';

/** The server, and the path on it, that a bucket has. */
export interface S3Place {
  readonly isTls: boolean;
  readonly hostname: string;
  /** Undefined: the default of the scheme. */
  readonly port: string | undefined;
  /** The Host header. */
  readonly host: string;
  /** The part of the path before the key, with its last slash. */
  readonly pathPrefix: string;
}

/** Regions of AWS proper. China, GovCloud and the isolated regions have other host names. */
const AWS_REGION = /^(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+$/;
/** Region names for a store on premises, except those that have a special meaning for the SDK. */
const OWN_REGION = /^(?!aws-global$)(?!.*fips)[a-z0-9][a-z0-9-]{0,62}$/;
/**
 * Bucket names by the rules since 2018, except suffixes with a special meaning (`--x-s3`: S3
 * Express).
 */
const BUCKET_NAME = /^(?!.*--)(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/**
 * The simple cases of the SDK's endpoint rules: AWS proper by host name (by path when the bucket
 * name has dots, which no certificate covers), an access point of AWS, a store on premises by path.
 * Undefined for everything else.
 */
export function plainPlace(
  bucket: string,
  { endpoint, path_style }: Pick<S3Settings, 'endpoint' | 'path_style'>,
  region: string,
): S3Place | undefined {
  const accessPoint = accessPointOf(bucket);
  if (accessPoint !== undefined) {
    const { name, account, partition } = accessPoint;
    const isPlain = partition === 'aws' && AWS_REGION.test(region) && !name.includes('.');
    if (!isPlain || endpoint !== undefined) return undefined;
    const host = `${name}-${account}.s3-accesspoint.${region}.amazonaws.com`;
    return placeOf(new URL(`https://${host}`), undefined);
  }
  if (!BUCKET_NAME.test(bucket)) return undefined;
  if (endpoint !== undefined) {
    const isPlain = path_style !== false && OWN_REGION.test(region);
    return isPlain ? placeOf(new URL(endpoint), bucket) : undefined;
  }
  if (!AWS_REGION.test(region)) return undefined;
  const host = `s3.${region}.amazonaws.com`;
  const isByPath = path_style === true || bucket.includes('.');
  return isByPath
    ? placeOf(new URL(`https://${host}`), bucket)
    : placeOf(new URL(`https://${bucket}.${host}`), undefined);
}

function placeOf(url: URL, bucket: string | undefined): S3Place {
  const path = url.pathname.replace(/\/$/, '');
  return {
    isTls: url.protocol === 'https:',
    hostname: url.hostname.replace(/^\[|\]$/g, ''), // of an IPv6 address
    port: url.port === '' ? undefined : url.port,
    host: url.host,
    pathPrefix: bucket === undefined ? `${path}/` : `${path}/${bucket}/`,
  };
}

/** The path of an object as it is sent and signed. */
export function objectPath({ pathPrefix }: S3Place, key: string): string {
  return pathPrefix + key.split('/').map(encoded).join('/');
}

/** The query of a URL as it is sent and signed; empty without one. */
export function queryText(query: Readonly<Record<string, string>>): string {
  const parts = Object.entries(query).map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** RFC 3986, as S3 requires it: encodes all marks but -, _, . and ~. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
