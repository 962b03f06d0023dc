import type { ErrorCode } from '../../../shared/coded-error.ts';
import { SET_CLOCK } from '../../../shared/set-clock.ts';
import { ACTIONS, type Verb } from './actions.ts';
import { awsCommand, type StoreAddress } from './aws-command.ts';

/** The request, for messages. */
export interface S3Wanted extends StoreAddress {
  readonly verb: Verb;
  readonly bucket: string;
  /** The object's key, or the prefix of a list. */
  readonly key: string;
  /** Endpoint, or undefined for AWS. */
  readonly endpoint: string | undefined;
  /** Region that requests are signed for, when known. */
  readonly region: string | undefined;
}

/** What S3 or the network answered. None of its content is trusted. */
export interface S3Answer {
  /**
   * Code of S3 or of Node, for example `NoSuchKey` or `ECONNREFUSED`; `Unknown` when S3 sent no
   * body.
   */
  readonly code: string;
  readonly status: number | undefined;
  /** The server's own message. For people only: no decision depends on it. */
  readonly words: string;
  /** Region that the server named. */
  readonly region: string | undefined;
  /** The server's clock in ms since 1970. */
  readonly serverTime: number | undefined;
  /** How many attempts were made. */
  readonly attempts: number | undefined;
  /** How long the server asks to wait, not bounded. */
  readonly retryAfterSeconds: number | undefined;
}

/** What an answer of the store means for a person. */
export interface Meaning {
  readonly code: ErrorCode;
  /** What was found: the part of the message after `cannot read s3://…: `. */
  readonly came: string;
  readonly next: string;
}

/** Looks at code and status only, because stores other than AWS leave the message out. */
export function meaningOf(wanted: S3Wanted, answer: S3Answer, nowMs: number): Meaning {
  if (answer.status === undefined && CERTIFICATE.test(answer.code))
    return untrusted(wanted, answer);
  // Only a proxy answers 407, to the request itself or to CONNECT.
  const isTunnel = answer.code === 'ERR_PROXY_TUNNEL' && / 407 /.test(`${answer.words} `);
  if (answer.status === 407 || isTunnel) return proxyRefuses();
  if (answer.status === undefined && NETWORK.test(answer.code)) return unreachable(wanted, answer);
  return (
    byCode(wanted, answer, nowMs) ??
    byStatus(wanted, answer) ?? {
      code: 'S3_FAILED',
      came: `${where(wanted)}: ${spoken(answer)}`,
      next: 'try again; if it persists, look up the answer in the documentation of the store',
    }
  );
}

/** Codes of Node for a connection that failed or broke off: errno, HTTP parser, TLS, proxy. */
const NETWORK = /^(TimeoutError|E[A-Z]+|EAI_\w+|HPE_\w+|ERR_(TLS|SSL|PROXY|STREAM_PREMATURE)_\w+)$/;
/** Codes of OpenSSL and Node for a certificate that does not verify. */
const CERTIFICATE = /^(\w*CERT\w*|UNABLE_TO_\w+|HOSTNAME_MISMATCH)$/;

function byCode(wanted: S3Wanted, answer: S3Answer, nowMs: number): Meaning | undefined {
  switch (answer.code) {
    case 'InvalidAccessKeyId':
      return rejected(wanted, `${where(wanted)} does not know this access key`);
    case 'SignatureDoesNotMatch':
      return rejected(wanted, 'the secret key does not belong to the access key');
    case 'ExpiredToken':
    case 'TokenRefreshRequired':
      return rejected(wanted, 'the session credentials have expired');
    case 'InvalidToken':
      return rejected(wanted, 'the session token does not belong to the access key');
    case 'RequestTimeTooSkewed':
      return clockSkewed(answer, nowMs);
    case 'NoSuchBucket':
      return bucketMissing(wanted);
    case 'NoSuchKey':
      return wanted.verb === 'write' ? preconditionFailed() : notFound(wanted);
    case 'NoSuchUpload':
      return uploadGone();
    case 'AuthorizationHeaderMalformed':
    case 'PermanentRedirect':
    case 'IllegalLocationConstraintException':
      return regionWrong(wanted, answer);
    case 'SlowDown':
    case 'RequestLimitExceeded':
    case 'ThrottlingException':
      return slowDown(wanted, answer);
    case 'NotImplemented':
      return notImplemented(wanted);
    default:
      return undefined;
  }
}

function byStatus(wanted: S3Wanted, answer: S3Answer): Meaning | undefined {
  switch (answer.status ?? 0) {
    case 301:
    case 307:
      return regionWrong(wanted, answer);
    case 401:
    case 403:
      return accessDenied(wanted, answer);
    case 404:
      return wanted.verb === 'list' ? bucketMissing(wanted) : notFound(wanted);
    case 409:
    case 412:
      return preconditionFailed();
    case 429:
    case 503:
      return slowDown(wanted, answer);
    default:
      return undefined;
  }
}

function rejected(wanted: S3Wanted, came: string): Meaning {
  // Other stores do not know the requests of AWS STS.
  const show = wanted.endpoint === undefined ? 'sts get-caller-identity' : 'configure list';
  const shown = awsCommand(show, { profile: wanted.profile });
  return {
    code: 'S3_CREDENTIALS_REJECTED',
    came,
    next: `check which credentials are in use (AWS_* variables, AWS_PROFILE, s3.profile, instance role), for example with: ${shown}`,
  };
}

function clockSkewed({ serverTime }: S3Answer, nowMs: number): Meaning {
  const seconds = serverTime === undefined ? undefined : Math.round((nowMs - serverTime) / 1000);
  const offset =
    seconds === undefined
      ? 'too far off'
      : `${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} S3's`;
  return {
    code: 'S3_CLOCK_SKEWED',
    came: `this host's clock is ${offset}`,
    next: `set the clock, for example with: ${SET_CLOCK}`,
  };
}

function bucketMissing(wanted: S3Wanted): Meaning {
  return {
    code: 'S3_BUCKET_MISSING',
    came: `there is no bucket ${wanted.bucket} at ${where(wanted)}`,
    next: 'check the name of the bucket and s3.endpoint, or make it: mm bucket init',
  };
}

function notFound(wanted: S3Wanted): Meaning {
  return {
    code: 'S3_NOT_FOUND',
    came: 'there is no such object',
    next: `check the tree and list it: ${awsCommand(`s3 ls s3://${wanted.bucket}/${parent(wanted.key)}`, wanted)}`,
  };
}

function preconditionFailed(): Meaning {
  const came = 'another writer changed it in the meantime';
  return { code: 'S3_PRECONDITION_FAILED', came, next: 'run the same command again' };
}

function uploadGone(): Meaning {
  const came = 'the store has no such upload any more';
  return { code: 'S3_NOT_FOUND', came, next: 'run the same command again' };
}

function regionWrong(wanted: S3Wanted, answer: S3Answer): Meaning {
  const right = answer.region;
  const used = wanted.region === undefined ? 'another region' : `region ${wanted.region}`;
  return {
    code: 'S3_REGION_WRONG',
    came: `the request was made for ${used}, the bucket is in ${right ?? 'a different one'}`,
    next:
      right === undefined
        ? `find the region with: ${locationCommand(wanted)}; then set s3.region`
        : `set s3.region (or AWS_REGION) to ${right}`,
  };
}

/** Without a region: the request is answered in every region. */
function locationCommand({ bucket, ...store }: S3Wanted): string {
  return awsCommand(`s3api get-bucket-location --bucket ${bucket}`, {
    ...store,
    region: undefined,
  });
}

function accessDenied(wanted: S3Wanted, answer: S3Answer): Meaning {
  const action = `s3:${ACTIONS[wanted.verb]}`;
  const orMissing = wanted.verb === 'read' ? ', or there is no such object' : '';
  return {
    code: 'S3_ACCESS_DENIED',
    came: `these credentials may not ${wanted.verb} it${orMissing} (${spoken(answer)})`,
    next: `check that a policy of these credentials allows ${action} on it`,
  };
}

function slowDown(wanted: S3Wanted, answer: S3Answer): Meaning {
  return {
    code: 'S3_SLOW_DOWN',
    came: `${where(wanted)} asks to slow down (${spoken(answer)})`,
    next: 'wait; if it persists, spread the polls of the fleet or ask the provider for its request limits',
  };
}

function notImplemented(wanted: S3Wanted): Meaning {
  return {
    code: 'S3_FAILED',
    came: `${where(wanted)} does not implement this request`,
    next:
      wanted.verb === 'write'
        ? 'use a store with conditional writes (If-None-Match, If-Match): publications are only safe there'
        : 'use a store that implements the S3 API',
  };
}

function unreachable(wanted: S3Wanted, answer: S3Answer): Meaning {
  return {
    code: 'S3_UNREACHABLE',
    came: `${where(wanted)} cannot be reached, or broke off (${spoken(answer)})`,
    next: `check network, DNS, proxy and certificates, for example with: curl -sSI ${wanted.endpoint ?? 'https://s3.amazonaws.com'}`,
  };
}

function proxyRefuses(): Meaning {
  return {
    code: 'S3_UNREACHABLE',
    came: 'the proxy wants other credentials (407 Proxy Authentication Required)',
    next: 'write them into its address, s3.proxy or HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT',
  };
}

/** The message names the certificate, see `connection/peer-certificate.ts`. */
function untrusted(wanted: S3Wanted, answer: S3Answer): Meaning {
  const isAuthority = /^UNABLE_TO_|SELF_SIGNED/.test(answer.code);
  return {
    code: 'S3_UNREACHABLE',
    came: `the certificate of ${where(wanted)} is not accepted (${spoken(answer)})`,
    next: isAuthority
      ? 'add the authority to the trust store of this system, or set s3.ca_file (or AWS_CA_BUNDLE) to a file with its certificate'
      : 'check the names and the dates of the certificate, s3.endpoint, and the clock of this machine',
  };
}

function where({ endpoint, region }: S3Wanted): string {
  return endpoint ?? `S3 in ${region ?? 'AWS'}`;
}

function parent(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

/** ASCII only, because some terminals and logs cannot show other characters. */
function spoken({ code, status, words }: S3Answer): string {
  return [status, code, words.replace(/[^\x20-\x7e]+/g, ' ')]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
}
