import { CodedError, type ErrorCode } from '../../shared/coded-error.ts';

/** What was asked of S3, for messages. */
export interface S3Wanted {
  readonly verb: 'read' | 'write' | 'list';
  readonly bucket: string;
  /** The object's key, or the prefix of a list. */
  readonly key: string;
  /** Endpoint, or undefined for AWS. */
  readonly endpoint: string | undefined;
  /** Region that requests are signed for, when known. */
  readonly region: string | undefined;
}

/** What S3 or the network answered. Others wrote everything in it. */
export interface S3Answer {
  /**
   * Code of S3 or of Node, for example `NoSuchKey` or `ECONNREFUSED`; `Unknown` when S3 sent no
   * body.
   */
  readonly code: string;
  readonly status: number | undefined;
  /** The server's own message, for people only. */
  readonly words: string;
  /** Region that the server named. */
  readonly region: string | undefined;
  /** The server's clock in ms since 1970. */
  readonly serverTime: number | undefined;
  /** How many attempts were made. */
  readonly attempts: number | undefined;
}

interface Meaning {
  readonly code: ErrorCode;
  /** What was found, as the end of `cannot read s3://…: `. */
  readonly came: string;
  readonly next: string;
}

/**
 * Translates an answer of S3 or of the network into one coded error. Looks at code and status only,
 * because stores other than AWS leave the message out. `nowMs` is this host's clock, to say how far
 * it is off.
 */
export function s3Error(
  wanted: S3Wanted,
  answer: S3Answer,
  { nowMs, cause }: { readonly nowMs: number; readonly cause: unknown },
): CodedError {
  const { code, came, next } = meaningOf(wanted, answer, nowMs);
  const { status, attempts } = answer;
  return new CodedError(`${describeWanted(wanted)}: ${came}`, {
    code,
    cause,
    next,
    details: { bucket: wanted.bucket, key: wanted.key, s3: answer.code, status, attempts },
  });
}

/**
 * No provider of the SDK's chain has credentials, or the one that should have them failed (the
 * cause says how).
 */
export function credentialsMissing(wanted: S3Wanted, cause: unknown): CodedError {
  return new CodedError(`${describeWanted(wanted)}: no credentials could be had`, {
    code: 'S3_CREDENTIALS_MISSING',
    cause,
    next: 'give them as the AWS SDK reads them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws/credentials, s3.profile, or an instance role',
  });
}

export function regionMissing(wanted: S3Wanted, cause: unknown): CodedError {
  return new CodedError(`${describeWanted(wanted)}: no region is set`, {
    code: 'S3_REGION_WRONG',
    cause,
    next: 'set s3.region or AWS_REGION; most stores other than AWS accept us-east-1',
  });
}

export function tooLarge(wanted: S3Wanted, maxBytes: number): CodedError {
  return new CodedError(`${describeWanted(wanted)}: it has more than ${maxBytes} bytes`, {
    code: 'S3_TOO_LARGE',
    next: 'find out who wrote it: Miyamoto writes nothing so large there',
    details: { bucket: wanted.bucket, key: wanted.key, maxBytes },
  });
}

/** `cannot read s3://bucket/key`. */
export function describeWanted({ verb, bucket, key }: S3Wanted): string {
  return `cannot ${verb} s3://${bucket}/${key}`;
}

function meaningOf(wanted: S3Wanted, answer: S3Answer, nowMs: number): Meaning {
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
const NETWORK =
  /^(TimeoutError|E[A-Z]+|EAI_\w+|HPE_\w+|ERR_(TLS|SSL|PROXY|STREAM_PREMATURE)_\w+|\w*CERT\w*|UNABLE_TO_\w+|HOSTNAME_MISMATCH)$/;

function byCode(wanted: S3Wanted, answer: S3Answer, nowMs: number): Meaning | undefined {
  switch (answer.code) {
    case 'InvalidAccessKeyId':
      return rejected(`${where(wanted)} does not know this access key`);
    case 'SignatureDoesNotMatch':
      return rejected('the secret key does not belong to the access key');
    case 'ExpiredToken':
    case 'TokenRefreshRequired':
      return rejected('the session credentials have expired');
    case 'InvalidToken':
      return rejected('the session token does not belong to the access key');
    case 'RequestTimeTooSkewed':
      return clockSkewed(answer, nowMs);
    case 'NoSuchBucket':
      return bucketMissing(wanted);
    case 'NoSuchKey':
      return wanted.verb === 'write' ? preconditionFailed() : notFound(wanted);
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

function rejected(came: string): Meaning {
  return {
    code: 'S3_CREDENTIALS_REJECTED',
    came,
    next: 'check which credentials are in use (AWS_* variables, AWS_PROFILE, s3.profile, instance role), for example with: aws sts get-caller-identity',
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
    next: 'set the clock, for example with: timedatectl set-ntp true',
  };
}

function bucketMissing(wanted: S3Wanted): Meaning {
  return {
    code: 'S3_BUCKET_MISSING',
    came: `there is no bucket ${wanted.bucket} at ${where(wanted)}`,
    next: `check the name of the bucket and s3.endpoint, or make it: aws s3 mb s3://${wanted.bucket}`,
  };
}

function notFound(wanted: S3Wanted): Meaning {
  return {
    code: 'S3_NOT_FOUND',
    came: 'there is no such object',
    next: `check the tree and list it: aws s3 ls s3://${wanted.bucket}/${parent(wanted.key)}`,
  };
}

function preconditionFailed(): Meaning {
  return {
    code: 'S3_PRECONDITION_FAILED',
    came: 'somebody else wrote it in the meantime',
    next: 'read it again and repeat',
  };
}

function regionWrong(wanted: S3Wanted, answer: S3Answer): Meaning {
  const right = answer.region;
  const used = wanted.region === undefined ? 'another region' : `region ${wanted.region}`;
  return {
    code: 'S3_REGION_WRONG',
    came: `the request was made for ${used}, the bucket is in ${right ?? 'a different one'}`,
    next:
      right === undefined
        ? `find the region with: aws s3api get-bucket-location --bucket ${wanted.bucket}; then set s3.region`
        : `set s3.region (or AWS_REGION) to ${right}`,
  };
}

function accessDenied(wanted: S3Wanted, answer: S3Answer): Meaning {
  const action = { read: 's3:GetObject', write: 's3:PutObject', list: 's3:ListBucket' }[
    wanted.verb
  ];
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

function where({ endpoint, region }: S3Wanted): string {
  return endpoint ?? `S3 in ${region ?? 'AWS'}`;
}

function parent(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

/** In ASCII: an error message is also read where other characters are not shown. */
function spoken({ code, status, words }: S3Answer): string {
  return [status, code, words.replace(/[^\x20-\x7e]+/g, ' ')]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
}
