import { createHash, createPublicKey } from 'node:crypto';
import type { GetPublicKeyCommandOutput, KMSClient } from '@aws-sdk/client-kms';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError, type ErrorCode } from '../../../shared/coded-error.ts';
import { tufKeyOf } from '../public-key.ts';
import {
  type FoundKey,
  HOLDER_TIME_LIMIT_MS,
  type HolderAccess,
  KmsKeyArn,
} from './held-key-file.ts';

/** The only kind of key: Ed25519 in KMS takes whole messages, and of those only 4,096 bytes. */
const KEY_SPEC = 'ECC_NIST_P256';
const ALGORITHM = 'ECDSA_SHA_256';

/**
 * The signature, in DER, not verified. Asks for `kms:Sign` alone: whoever has that may publish.
 * Throws KEY_MISSING for a key that does not exist, KEY_LOCKED when KMS cannot be reached or will
 * not sign.
 */
export async function signByKms(
  arn: string,
  bytes: Uint8Array,
  access: HolderAccess,
): Promise<Buffer> {
  const { Signature } = await withKms(arn, access, async (client, { SignCommand }, abortSignal) =>
    client.send(
      new SignCommand({
        KeyId: arn,
        Message: createHash('sha256').update(bytes).digest(),
        MessageType: 'DIGEST',
        SigningAlgorithm: ALGORITHM,
      }),
      { abortSignal },
    ),
  );
  return Buffer.from(Signature ?? []);
}

/**
 * The key with this ARN, or with this id or alias in the region of the AWS environment. Asks for
 * `kms:GetPublicKey`. Throws as {@link signByKms} does, and KEY_INVALID for a key of another kind.
 */
export async function findKmsKey(id: string, access: HolderAccess): Promise<FoundKey> {
  const found = await withKms(id, access, async (client, { GetPublicKeyCommand }, abortSignal) =>
    client.send(new GetPublicKeyCommand({ KeyId: id }), { abortSignal }),
  );
  const { KeySpec, KeyUsage, KeyId } = found;
  const publicKey = KeySpec === KEY_SPEC && KeyUsage === 'SIGN_VERIFY' ? readKey(found) : undefined;
  const arn = KmsKeyArn.safeParse(KeyId);
  if (publicKey !== undefined && arn.success) {
    return { publicKey, holder: { kind: 'kms', key: arn.data } };
  }
  throw new CodedError(
    `KMS key ${printable(id, 300)}: wanted ${KEY_SPEC} for SIGN_VERIFY, found ${KeySpec} for ${KeyUsage}`,
    {
      code: 'KEY_INVALID',
      next: `aws kms create-key --key-spec ${KEY_SPEC} --key-usage SIGN_VERIFY`,
    },
  );
}

function readKey({ PublicKey }: GetPublicKeyCommandOutput): FoundKey['publicKey'] | undefined {
  try {
    const key = Buffer.from(PublicKey ?? []);
    return tufKeyOf(createPublicKey({ key, format: 'der', type: 'spki' }));
  } catch {
    return undefined;
  }
}

type KmsModule = typeof import('@aws-sdk/client-kms');

async function withKms<T>(
  id: string,
  { env, timeLimitMs = HOLDER_TIME_LIMIT_MS }: HolderAccess,
  work: (client: KMSClient, kms: KmsModule, abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  // Nobody else's mm should start slower for it.
  const kms = await import('@aws-sdk/client-kms');
  const region = /^arn:[^:]*:kms:([^:]+):/.exec(id)?.[1];
  const agent = { proxyEnv: { ...env } };
  const client = new kms.KMSClient({
    ...(region !== undefined && { region }),
    requestHandler: {
      connectionTimeout: 5000,
      socketTimeout: 10_000,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
  try {
    return await work(client, kms, AbortSignal.timeout(timeLimitMs));
  } catch (cause) {
    throw kmsError(id, cause);
  } finally {
    client.destroy();
  }
}

const MISSING = 'aws kms describe-key --key-id ID; check region and account';
const CREDENTIALS =
  'give credentials as the AWS SDK reads them; aws sts get-caller-identity shows whose they are';

/** By the name of KMS's answer: what it means, and what to do. */
const MEANING = new Map<string, readonly [ErrorCode, string]>([
  ['NotFoundException', ['KEY_MISSING', MISSING]],
  ['InvalidArnException', ['KEY_MISSING', MISSING]],
  ['DisabledException', ['KEY_LOCKED', 'aws kms enable-key --key-id ID']],
  ['KMSInvalidStateException', ['KEY_LOCKED', 'aws kms describe-key --key-id ID']],
  ['InvalidKeyUsageException', ['KEY_INVALID', `use a key of kind ${KEY_SPEC} for SIGN_VERIFY`]],
  [
    'AccessDeniedException',
    ['KEY_LOCKED', 'allow kms:Sign (for mm key new kms:GetPublicKey) on it'],
  ],
  ['CredentialsProviderError', ['KEY_LOCKED', CREDENTIALS]],
  ['UnrecognizedClientException', ['KEY_LOCKED', CREDENTIALS]],
  ['ExpiredTokenException', ['KEY_LOCKED', CREDENTIALS]],
]);

function kmsError(id: string, cause: unknown): CodedError {
  const { name, message } = cause instanceof Error ? cause : { name: '', message: String(cause) };
  const [code, next] = MEANING.get(name) ?? [
    'KEY_LOCKED',
    'try again, or give the whole ARN of the key',
  ];
  const key = printable(id, 300);
  return new CodedError(`KMS key ${key}: ${name}: ${printable(message, 300)}`, {
    code,
    cause,
    next: next.replace('ID', key),
    details: { key: id, kms: name },
  });
}
