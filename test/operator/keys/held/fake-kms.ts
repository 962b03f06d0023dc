import { createECDH, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/**
 * Tests cannot use a real KMS. This server speaks its JSON protocol for GetPublicKey and Sign, with
 * a real P-256 key, and refuses what KMS refuses according to the API reference. It cannot show
 * that AWS behaves in the same way.
 */
export interface FakeKms {
  readonly arn: string;
  /** Names of the requested actions, in order. */
  readonly asked: string[];
  /** Every later request gets this answer. */
  answerWith(error: string | 'silence'): void;
  /** Later signatures use another key. */
  replaceKey(): void;
  /** Adds to or replaces fields of the key's description. */
  describe(more: object): void;
}

const ACCOUNT = 'arn:aws:kms:eu-central-1:111122223333';
const ID = '1234abcd-12ab-34cd-56ef-1234567890ab';
export const ALIAS = 'alias/publisher';

export async function startFakeKms(t: TestContext): Promise<FakeKms> {
  const arn = `${ACCOUNT}:key/${ID}`;
  const asked: string[] = [];
  let key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let instead: string | undefined;
  let described = {};
  const answers = (action: string, body: Record<string, string>) =>
    action === 'Sign' ? sign(body, key.privateKey) : publicKey(key.publicKey);
  const server = createServer((request, response) => {
    reply(request, response).catch(() => response.destroy());
  });
  const reply = async (request: IncomingMessage, response: ServerResponse) => {
    const action = String(request.headers['x-amz-target']).replace('TrentService.', '');
    asked.push(action);
    const error = instead ?? whyNotSigned(request);
    if (error === 'silence') return;
    const body = JSON.parse(await read(request)) as Record<string, string>;
    const isKnown = [arn, ID, ALIAS, `${ACCOUNT}:${ALIAS}`].includes(body['KeyId'] ?? '');
    const answer = error ?? (isKnown ? answers(action, body) : 'NotFoundException');
    const isError = typeof answer === 'string';
    response.writeHead(isError ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
    const document = isError
      ? { __type: answer, message: 'no' }
      : { KeyId: arn, ...answer, ...(action === 'GetPublicKey' && described) };
    response.end(JSON.stringify(document));
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  // Where the SDK reads its settings. Each test file runs in a separate process.
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_KMS: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_ACCESS_KEY_ID: 'OPERATOR',
    AWS_SECRET_ACCESS_KEY: 'operator-secret',
    AWS_REGION: 'eu-central-1',
  });
  return {
    arn,
    asked,
    answerWith: (error) => {
      instead = error;
    },
    replaceKey: () => {
      key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    },
    describe: (more) => {
      described = more;
    },
  };
}

function whyNotSigned({ headers }: IncomingMessage): string | undefined {
  const signed = /Credential=OPERATOR\/\d+\/eu-central-1\/kms\/aws4_request/;
  return signed.test(headers.authorization ?? '') ? undefined : 'UnrecognizedClientException';
}

function publicKey(key: KeyObject): object {
  return {
    PublicKey: key.export({ type: 'spki', format: 'der' }).toString('base64'),
    KeySpec: 'ECC_NIST_P256',
    KeyUsage: 'SIGN_VERIFY',
    SigningAlgorithms: ['ECDSA_SHA_256'],
  };
}

function sign(body: Record<string, string>, key: KeyObject): object | string {
  if (body['SigningAlgorithm'] !== 'ECDSA_SHA_256') return 'InvalidKeyUsageException';
  const message = Buffer.from(body['Message'] ?? '', 'base64');
  if (body['MessageType'] !== 'DIGEST' || message.length !== 32) return 'ValidationException';
  return {
    Signature: signDigest(message, key).toString('base64'),
    SigningAlgorithm: 'ECDSA_SHA_256',
  };
}

/** The order of the group P-256 (FIPS 186-4, D.1.2.3). */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/**
 * ECDSA over a given digest (FIPS 186-4, 6.4): node:crypto signs whole messages only. For tests:
 * not constant in time.
 */
function signDigest(digest: Buffer, key: KeyObject): Buffer {
  const secret = toNumber(Buffer.from(String(key.export({ format: 'jwk' }).d), 'base64url'));
  const once = createECDH('prime256v1');
  const point = once.generateKeys();
  const r = toNumber(point.subarray(1, 33)) % N;
  const inverse = power(toNumber(once.getPrivateKey()), N - 2n);
  const s = (inverse * (toNumber(digest) + r * secret)) % N;
  const content = Buffer.concat([derInteger(r), derInteger(s)]);
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % N;
    square = (square * square) % N;
  }
  return result;
}

function toNumber(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`);
}

function derInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  const bytes = Buffer.from(/^[89a-f]/.test(even) ? `00${even}` : even, 'hex');
  return Buffer.concat([Buffer.from([2, bytes.length]), bytes]);
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
