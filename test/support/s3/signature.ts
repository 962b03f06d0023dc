import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { S3Refusal } from './reply.ts';
import { header, type S3Request } from './request.ts';

const MAX_SKEW_MS = 15 * 60 * 1000;

export interface Signer {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface SignatureRules<S extends Signer> {
  readonly region: string;
  readonly nowMs: number;
  readonly findSigner: (accessKeyId: string) => S | undefined;
}

interface Authorization {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/**
 * AWS Signature Version 4 in the Authorization header, recomputed from what came. Throws S3's own
 * refusals. Query signatures (presigned URLs) and signed chunks are refused.
 */
export function verifySignature<S extends Signer>(
  request: S3Request,
  body: Buffer,
  { region, nowMs, findSigner }: SignatureRules<S>,
): S {
  const authorization = parseAuthorization(request);
  if (authorization.region !== region || authorization.service !== 's3')
    throw new S3Refusal(400, 'AuthorizationHeaderMalformed', { Region: region });
  const signer = findSigner(authorization.accessKeyId);
  if (signer === undefined) {
    throw new S3Refusal(403, 'InvalidAccessKeyId', { AWSAccessKeyId: authorization.accessKeyId });
  }
  const time = header(request.headers, 'x-amz-date') ?? '';
  checkTime(time, authorization.date, nowMs);
  checkSignedHeaders(request, authorization.signedHeaders);
  const wanted = sign(request, authorization, { time, secret: signer.secretAccessKey });
  if (!sameText(wanted, authorization.signature)) throw new S3Refusal(403, 'SignatureDoesNotMatch');
  checkPayload(header(request.headers, 'x-amz-content-sha256'), body);
  return signer;
}

/** The access key that a request says it was signed with. */
export function claimedAccessKeyId({ headers }: S3Request): string | undefined {
  return /Credential=([^/,]+)/.exec(headers.authorization ?? '')?.[1];
}

function parseAuthorization({ headers, query }: S3Request): Authorization {
  if (query.has('X-Amz-Signature')) throw new S3Refusal(501, 'NotImplemented');
  const value = headers.authorization;
  if (value === undefined) throw new S3Refusal(403, 'AccessDenied');
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      value,
    );
  if (match === null) throw new S3Refusal(400, 'AuthorizationHeaderMalformed');
  const [, accessKeyId, date, region, service, signedHeaders, signature] = match as string[];
  return {
    accessKeyId: accessKeyId!,
    date: date!,
    region: region!,
    service: service!,
    signedHeaders: signedHeaders!.split(';'),
    signature: signature!,
  };
}

function checkTime(time: string, scopeDate: string, nowMs: number): void {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time);
  if (match === null || !time.startsWith(scopeDate)) throw new S3Refusal(403, 'AccessDenied');
  const [, year, month, day, hour, minute, second] = match;
  const sentMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Math.abs(sentMs - nowMs) <= MAX_SKEW_MS) return;
  throw new S3Refusal(403, 'RequestTimeTooSkewed', {
    RequestTime: time,
    ServerTime: new Date(nowMs).toISOString(),
    MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
  });
}

/** A header that changes the request but is not signed could have been added on the way. */
function checkSignedHeaders({ headers }: S3Request, signed: readonly string[]): void {
  const needed = Object.keys(headers).filter((name) => name.startsWith('x-amz-'));
  if (['host', ...needed].every((name) => signed.includes(name))) return;
  throw new S3Refusal(403, 'AccessDenied');
}

function sign(
  request: S3Request,
  { date, region, service, signedHeaders }: Authorization,
  { time, secret }: { readonly time: string; readonly secret: string },
): string {
  const canonical = [
    request.method,
    request.path.split('/').map(reencode).join('/'),
    canonicalQuery(request.query),
    ...signedHeaders.map((name) => `${name}:${squeeze(header(request.headers, name) ?? '')}`),
    '',
    signedHeaders.join(';'),
    header(request.headers, 'x-amz-content-sha256') ?? '',
  ].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  return hmac(signingKey(scope, secret), toSign).digest('hex');
}

const signingKeys = new Map<string, Buffer>();

/** It is the same for a day, and costs more than all else that is computed for a signature. */
function signingKey(scope: string, secret: string): Buffer {
  const name = `${scope} ${secret}`;
  const known = signingKeys.get(name);
  if (known !== undefined) return known;
  const key = scope
    .split('/')
    .reduce((previous, part) => hmac(previous, part).digest(), Buffer.from(`AWS4${secret}`));
  signingKeys.set(name, key);
  return key;
}

function canonicalQuery(query: URLSearchParams): string {
  return [...query]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
}

function checkPayload(claimed: string | undefined, body: Buffer): void {
  if (claimed === 'UNSIGNED-PAYLOAD') return;
  if (claimed === undefined || claimed.startsWith('STREAMING-'))
    throw new S3Refusal(501, 'NotImplemented');
  if (claimed !== sha256(body)) throw new S3Refusal(400, 'XAmzContentSHA256Mismatch');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function reencode(part: string): string {
  return encode(decodeURIComponent(part));
}

function squeeze(value: string): string {
  return value.trim().replace(/ +/g, ' ');
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function hmac(key: string | Buffer, content: string) {
  return createHmac('sha256', key).update(content);
}

function sameText(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
}
