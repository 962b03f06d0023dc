import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { TufKey } from '../public/signer.ts';
import type { FoundKey, HolderAccess } from './held-key-file.ts';
import { type AgentKey, askAgentToSign, listAgentKeys } from './ssh-agent.ts';
import {
  sshFingerprint,
  sshKeyType,
  sshToTufKey,
  sshToTufSignature,
  tufToSshKey,
  whyUnusable,
} from './ssh-key.ts';

/** A key that an ssh-agent must hold, with its name for messages. */
export interface WantedAgentKey {
  readonly name: string;
  readonly comment: string;
  readonly publicKey: TufKey;
}

/**
 * Returns the signature without verifying it. Throws KEY_MISSING when there is no agent or the
 * agent does not have the key, KEY_LOCKED when the agent is locked or may not use the key,
 * KEY_INVALID for a signature of another kind.
 */
export async function signByAgent(
  wanted: WantedAgentKey,
  bytes: Uint8Array,
  access: HolderAccess,
): Promise<Buffer> {
  const blob = tufToSshKey(wanted.publicKey);
  const answer = await askAgentToSign(blob, bytes, access);
  if (answer === 'refused') throw whyRefused(wanted, blob, await listAgentKeys(access));
  const signature = sshToTufSignature(answer);
  if (signature !== undefined) return signature;
  throw new CodedError(
    `the signature of ssh-agent for ${describe(wanted, blob)} is not of type ${sshKeyType(blob)}`,
    { code: 'KEY_INVALID', next: 'ssh-add -l shows the keys of this agent' },
  );
}

function whyRefused(wanted: WantedAgentKey, blob: Buffer, held: readonly AgentKey[]): CodedError {
  const key = describe(wanted, blob);
  if (held.length === 0) return nothingHeld(`signing key ${key}`);
  if (!held.some((other) => other.blob.equals(blob))) {
    return new CodedError(`ssh-agent does not hold signing key ${key}, only ${list(held)}`, {
      code: 'KEY_MISSING',
      next: 'ssh-add FILE with the file of that key, or connect its token',
    });
  }
  return new CodedError(`ssh-agent holds signing key ${key}, but refused to sign`, {
    code: 'KEY_LOCKED',
    next: 'confirm or touch the token when asked; ssh-add -T FILE.pub tests the key without mm',
  });
}

/**
 * The key of the agent with this fingerprint or comment; without `wanted` the only key that can
 * sign for TUF. Throws KEY_MISSING when no key matches, KEY_INVALID for a key of another kind,
 * USAGE when several match, and what {@link listAgentKeys} throws.
 */
export async function findAgentKey(
  wanted: string | undefined,
  access: HolderAccess,
): Promise<FoundKey> {
  const held = await listAgentKeys(access);
  if (held.length === 0) throw nothingHeld('a key');
  const named = wanted === undefined ? held : held.filter((key) => isNamed(key, wanted));
  const usable = named.filter(({ blob }) => sshToTufKey(blob) !== undefined);
  const [key, ...others] = usable;
  const publicKey = key === undefined ? undefined : sshToTufKey(key.blob);
  if (key === undefined || publicKey === undefined) throw noneUsable(wanted, named, held);
  if (others.length > 0) {
    throw new CodedError(`which key of the ssh-agent? it has ${list(usable)}`, {
      code: 'USAGE',
      next: `name one by its fingerprint, for example ${sshFingerprint(key.blob)}`,
    });
  }
  return { publicKey, holder: { kind: 'ssh-agent', comment: printable(key.comment, 200) } };
}

function isNamed({ blob, comment }: AgentKey, wanted: string): boolean {
  return sshFingerprint(blob) === wanted || printable(comment, 200) === wanted;
}

function noneUsable(
  wanted: string | undefined,
  named: readonly AgentKey[],
  held: readonly AgentKey[],
): CodedError {
  const [first] = named;
  if (first === undefined) {
    return new CodedError(
      `no key ${printable(wanted ?? '', 200)} in the ssh-agent, only ${list(held)}`,
      {
        code: 'KEY_MISSING',
        next: 'name one by fingerprint or comment, as ssh-add -l prints them',
      },
    );
  }
  const type = sshKeyType(first.blob);
  return new CodedError(`a key of type ${printable(type)} cannot sign: ${whyUnusable(type)}`, {
    code: 'KEY_INVALID',
    next: 'ssh-keygen -t ed25519, or -t ecdsa -b 256, then ssh-add it',
  });
}

function nothingHeld(key: string): CodedError {
  return new CodedError(`wanted ${key}, but the ssh-agent lists no keys: it is locked or empty`, {
    code: 'KEY_LOCKED',
    next: 'ssh-add -X when it is locked, otherwise ssh-add FILE',
  });
}

function describe({ name, comment }: WantedAgentKey, blob: Buffer): string {
  return `${name} (${sshFingerprint(blob)} ${printable(comment, 200)})`;
}

function list(keys: readonly AgentKey[]): string {
  const shown = keys.slice(0, 10).map(({ blob, comment }) => {
    return `${sshFingerprint(blob)} ${printable(comment, 60)} (${printable(sshKeyType(blob))})`;
  });
  return [...shown, ...(keys.length > 10 ? [`${keys.length - 10} more`] : [])].join(', ');
}
