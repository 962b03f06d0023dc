import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf } from '../../../../bucket/s3/answer.ts';
import type { S3Wanted } from '../../../../bucket/s3/errors/answer-meaning.ts';
import { s3Error } from '../../../../bucket/s3/errors/errors.ts';
import type { ErrorCode } from '../../../../shared/coded-error.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const READ: S3Wanted = {
  verb: 'read',
  bucket: 'fleet',
  key: 'ubuntu/manifests/x',
  endpoint: 'https://s3.example.com',
  region: 'us-east-1',
};

interface Row {
  readonly wanted?: Partial<S3Wanted>;
  /** As the SDK throws it. */
  readonly thrown: object;
  readonly want: ErrorCode;
  /** What the message must contain besides bucket and key. */
  readonly tells?: readonly string[];
}

const cases = {
  'unknown access key': {
    thrown: refusal(403, 'InvalidAccessKeyId'),
    want: 'S3_CREDENTIALS_REJECTED',
    tells: ['https://s3.example.com'],
  },
  'wrong secret': {
    thrown: refusal(403, 'SignatureDoesNotMatch'),
    want: 'S3_CREDENTIALS_REJECTED',
  },
  'expired session': { thrown: refusal(400, 'ExpiredToken'), want: 'S3_CREDENTIALS_REJECTED' },
  'token of another key': { thrown: refusal(400, 'InvalidToken'), want: 'S3_CREDENTIALS_REJECTED' },
  'clock behind': {
    thrown: refusal(403, 'RequestTimeTooSkewed', { ServerTime: '2026-11-23T12:20:00Z' }),
    want: 'S3_CLOCK_SKEWED',
    tells: ['1200 s behind'],
  },
  'clock ahead, told by the Date header only': {
    thrown: refusal(403, 'RequestTimeTooSkewed', {}, { date: 'Mon, 23 Nov 2026 11:00:00 GMT' }),
    want: 'S3_CLOCK_SKEWED',
    tells: ['3600 s ahead'],
  },
  'clock off by an unknown amount': {
    thrown: refusal(403, 'RequestTimeTooSkewed'),
    want: 'S3_CLOCK_SKEWED',
  },
  'region in the body': {
    thrown: refusal(400, 'AuthorizationHeaderMalformed', { Region: 'eu-central-1' }),
    want: 'S3_REGION_WRONG',
    tells: ['us-east-1', 'eu-central-1'],
  },
  'region in a header': {
    thrown: refusal(301, 'PermanentRedirect', {}, { 'x-amz-bucket-region': 'eu-west-1' }),
    want: 'S3_REGION_WRONG',
    tells: ['us-east-1', 'eu-west-1'],
  },
  'redirect without a word': { thrown: refusal(301, 'Unknown'), want: 'S3_REGION_WRONG' },
  'no bucket': { thrown: refusal(404, 'NoSuchBucket'), want: 'S3_BUCKET_MISSING' },
  'no bucket, without a code': {
    wanted: { verb: 'list' },
    thrown: refusal(404, 'Unknown'),
    want: 'S3_BUCKET_MISSING',
  },
  'no object': { thrown: refusal(404, 'NoSuchKey'), want: 'S3_NOT_FOUND' },
  'no object, without a code': { thrown: refusal(404, 'Unknown'), want: 'S3_NOT_FOUND' },
  'an upload in parts that was dropped': {
    wanted: { verb: 'write' },
    thrown: refusal(404, 'NoSuchUpload'),
    want: 'S3_NOT_FOUND',
    tells: ['no such upload'],
  },
  'If-Match on AWS where no object is': {
    wanted: { verb: 'write' },
    thrown: refusal(404, 'NoSuchKey'),
    want: 'S3_PRECONDITION_FAILED',
  },
  'lost race': {
    wanted: { verb: 'write' },
    thrown: refusal(412, 'PreconditionFailed'),
    want: 'S3_PRECONDITION_FAILED',
  },
  'two writes at the same time': {
    wanted: { verb: 'write' },
    thrown: refusal(409, 'ConditionalRequestConflict'),
    want: 'S3_PRECONDITION_FAILED',
  },
  'no right to read': {
    thrown: refusal(403, 'AccessDenied'),
    want: 'S3_ACCESS_DENIED',
    tells: ['s3:GetObject', 'no such object'],
  },
  'no right to write': {
    wanted: { verb: 'write' },
    thrown: refusal(403, 'AccessDenied'),
    want: 'S3_ACCESS_DENIED',
    tells: ['s3:PutObject'],
  },
  'no right to list': {
    wanted: { verb: 'list' },
    thrown: refusal(403, 'AccessDenied'),
    want: 'S3_ACCESS_DENIED',
    tells: ['s3:ListBucket'],
  },
  'slow down': { thrown: refusal(503, 'SlowDown'), want: 'S3_SLOW_DOWN' },
  '503 from a load balancer, no XML': {
    thrown: Object.assign(new Error('not XML'), { $metadata: { httpStatusCode: 503 } }),
    want: 'S3_SLOW_DOWN',
  },
  'store without conditional writes': {
    wanted: { verb: 'write' },
    thrown: refusal(501, 'NotImplemented'),
    want: 'S3_FAILED',
    tells: ['If-None-Match'],
  },
  'fault of the server': {
    thrown: refusal(500, 'InternalError'),
    want: 'S3_FAILED',
    tells: ['500', 'InternalError'],
  },
  'a login page instead of an answer': {
    wanted: { verb: 'list' },
    thrown: Object.assign(new Error('not XML'), { $metadata: { httpStatusCode: 200 } }),
    want: 'S3_FAILED',
  },
  'no server listens': { thrown: network('ECONNREFUSED'), want: 'S3_UNREACHABLE' },
  'no such host': { thrown: network('ENOTFOUND'), want: 'S3_UNREACHABLE' },
  'no name server': { thrown: network('EAI_AGAIN'), want: 'S3_UNREACHABLE' },
  'connection broke': { thrown: network('ECONNRESET'), want: 'S3_UNREACHABLE' },
  'no HTTP': { thrown: network('HPE_INVALID_CONSTANT'), want: 'S3_UNREACHABLE' },
  'proxy wants credentials': {
    thrown: refusal(407, 'Unknown'),
    want: 'S3_UNREACHABLE',
    tells: ['the proxy wants other credentials'],
  },
  'proxy wants credentials for a tunnel': {
    thrown: {
      ...network('ERR_PROXY_TUNNEL'),
      message: 'Failed to establish tunnel: HTTP/1.1 407 Proxy Authentication Required',
    },
    want: 'S3_UNREACHABLE',
    tells: ['the proxy wants other credentials'],
  },
  'proxy refuses': { thrown: network('ERR_PROXY_TUNNEL'), want: 'S3_UNREACHABLE' },
  'unknown certificate': { thrown: network('DEPTH_ZERO_SELF_SIGNED_CERT'), want: 'S3_UNREACHABLE' },
  'certificate of another host': {
    thrown: network('ERR_TLS_CERT_ALTNAME_INVALID'),
    want: 'S3_UNREACHABLE',
  },
  'silence, as the SDK tells it': {
    thrown: Object.assign(new Error(), { name: 'TimeoutError' }),
    want: 'S3_UNREACHABLE',
  },
  'a fault of the program is not the network': {
    thrown: Object.assign(new TypeError('x is not a function'), { code: 'ERR_INVALID_ARG_TYPE' }),
    want: 'S3_FAILED',
  },
  'something that is no error': { thrown: {}, want: 'S3_FAILED' },
} satisfies Record<string, Row>;

for (const [name, row] of Object.entries(cases)) {
  test(`S3 error: ${name}`, () => {
    const { wanted, thrown, want, tells = [] }: Row = row;
    const error = s3Error({ ...READ, ...wanted }, answerOf(thrown), { nowMs: NOW, cause: thrown });
    assert.equal(error.code, want);
    assert.equal(error.cause, thrown);
    assert.ok(error.next);
    const told = `${error.message}\n${error.next}`;
    for (const part of ['s3://fleet/ubuntu/manifests/x', ...tells])
      assert.ok(told.includes(part), `"${part}" in ${told}`);
  });
}

test('S3 errors: five causes that an operator must distinguish have five messages', () => {
  const messages = [
    refusal(403, 'SignatureDoesNotMatch'),
    refusal(403, 'InvalidAccessKeyId'),
    refusal(403, 'AccessDenied'),
    refusal(403, 'RequestTimeTooSkewed'),
    refusal(404, 'NoSuchBucket'),
    refusal(404, 'NoSuchKey'),
    refusal(301, 'PermanentRedirect'),
    refusal(503, 'SlowDown'),
    network('ECONNREFUSED'),
  ].map((thrown) => s3Error(READ, answerOf(thrown), { nowMs: NOW, cause: thrown }).message);
  assert.equal(new Set(messages).size, messages.length);
});

test('S3 errors: the text of the server is shown as one short line', () => {
  const thrown = refusal(403, 'AccessDenied', { message: `a\n\u001b[31m${'b'.repeat(9000)}` });
  const { message } = s3Error(READ, answerOf(thrown), { nowMs: NOW, cause: thrown });
  assert.ok(message.length < 600);
  assert.doesNotMatch(message, /[^\x20-\x7e]/);
});

const EVIL = '\u001b]52;c;eA==\u0007\u009b2J\u202e\ud800\ntrust: ok';
test('row 13: no field of an answer gets into a message uncleaned', () => {
  const answers = [
    refusal(403, EVIL, { message: EVIL }),
    refusal(301, 'PermanentRedirect', { Region: EVIL }),
    refusal(
      400,
      'AuthorizationHeaderMalformed',
      {},
      { 'x-amz-bucket-region': `${EVIL}; rm -rf /` },
    ),
    refusal(400, EVIL, { message: `${EVIL}${'y'.repeat(500_000)}` }),
    { ...network('ECONNRESET'), message: EVIL, code: EVIL },
  ];
  for (const thrown of answers) {
    const { message, next, details } = s3Error(READ, answerOf(thrown), {
      nowMs: NOW,
      cause: thrown,
    });
    for (const text of [message, next ?? '', JSON.stringify(details)]) {
      assert.match(text, /^[\x20-\x7e]*$/);
      assert.ok(text.length < 1000);
      assert.doesNotMatch(text, /rm -rf/);
    }
  }
});

/** The shape of the SDK's service exceptions. */
function refusal(
  status: number,
  code: string,
  fields: object = {},
  headers: Readonly<Record<string, string>> = {},
): Error {
  return Object.assign(new Error(''), {
    name: code,
    $metadata: { httpStatusCode: status, attempts: 1 },
    $response: { headers },
    ...(code !== 'Unknown' && { Code: code }),
    ...fields,
  });
}

function network(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code, $metadata: { attempts: 3 } });
}
