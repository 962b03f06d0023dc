import { createHash, createPublicKey } from 'node:crypto';
import type { GetPublicKeyCommandOutput, KMSClient } from '@aws-sdk/client-kms';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError, type ErrorCode } from '../../../shared/coded-error.ts';
import { tufKeyOf } from '../public/public-key.ts';
import {
  type FoundKey,
  HOLDER_TIME_LIMIT_MS,
  type HolderAccess,
  KmsKeyArn,
} from './held-key-file.ts';

/**
 * The only supported kind of key. Ed25519 in KMS signs whole messages only, of at most 4,096 bytes.
 */
const KEY_SPEC = 'ECC_NIST_P256';
const ALGORITHM = 'ECDSA_SHA_256';

/**
 * The signature in DER, not verified. Needs only `kms:Sign`: a principal with that permission can
 * publish. Throws KEY_MISSING when the key does not exist, KEY_LOCKED when KMS cannot be reached or
 * refuses to sign.
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
 * The key with this ARN, or with this id or alias in the region of the AWS environment. Needs
 * `kms:GetPublicKey`. Throws like {@link signByKms}, and KEY_INVALID for a key of another kind.
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
  // Loaded on demand, so that mm without KMS keys starts faster.
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
  'configure credentials for the AWS SDK; aws sts get-caller-identity shows which are in use';

/** By the name of the KMS error: our error code, and the next command. */
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
    'try again, or give the full ARN of the key',
  ];
  const key = printable(id, 300);
  return new CodedError(`KMS key ${key}: ${name}: ${printable(message, 300)}`, {
    code,
    cause,
    next: next.replace('ID', key),
    details: { key: id, kms: name },
  });
}
