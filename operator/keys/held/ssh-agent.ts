import { connect } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { CodedError } from '../../../shared/coded-error.ts';
import { HOLDER_TIME_LIMIT_MS, type HolderAccess } from './held-key-file.ts';
import { splitSshStrings, sshString, uint32 } from './ssh-string.ts';

/** The two requests to a running ssh-agent (draft-ietf-sshm-ssh-agent): list the keys, and sign. */
export interface AgentKey {
  /** The public key in SSH's encoding. */
  readonly blob: Buffer;
  readonly comment: string;
}

const FAILURE = 5;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;

/** OpenSSH's limit, in both directions. */
const MAX_MESSAGE_BYTES = 256 * 1024;

/**
 * Returns an empty list when the agent is locked. Throws KEY_MISSING when no agent answers,
 * KEY_LOCKED when it takes too long.
 */
export async function listAgentKeys(access: HolderAccess): Promise<readonly AgentKey[]> {
  const path = socketOf(access);
  const keys = parseIdentities(await ask(path, Buffer.from([REQUEST_IDENTITIES]), access));
  if (keys === undefined) throw noAgent(path, 'its answer does not follow the ssh-agent protocol');
  return keys;
}

/**
 * The signature in SSH's encoding; `refused` when the agent does not have the key or may not use
 * it. Throws like {@link listAgentKeys}, and KEY_INVALID when the message is larger than an agent
 * accepts.
 */
export async function askAgentToSign(
  blob: Buffer,
  bytes: Uint8Array,
  access: HolderAccess,
): Promise<Buffer | 'refused'> {
  const path = socketOf(access);
  const type = Buffer.from([SIGN_REQUEST]);
  const noFlags = uint32(0);
  const request = Buffer.concat([type, sshString(blob), sshString(bytes), noFlags]);
  if (request.length > MAX_MESSAGE_BYTES) {
    throw new CodedError(
      `ssh-agent signs at most ${MAX_MESSAGE_BYTES} bytes, this document has ${bytes.length}`,
      { code: 'KEY_INVALID', next: 'use a key in a file or in KMS for this role' },
    );
  }
  const answer = await ask(path, request, access);
  if (answer[0] === FAILURE) return 'refused';
  const [signature, ...more] = splitSshStrings(answer.subarray(1)) ?? [];
  if (answer[0] === SIGN_RESPONSE && signature !== undefined && more.length === 0) return signature;
  throw noAgent(path, 'its answer does not follow the ssh-agent protocol');
}

/** Parses an agent's list of keys; undefined for anything else. */
export function parseIdentities(answer: Buffer): readonly AgentKey[] | undefined {
  if (answer[0] === FAILURE) return [];
  if (answer[0] !== IDENTITIES_ANSWER || answer.length < 5) return undefined;
  const parts = splitSshStrings(answer.subarray(5));
  if (parts?.length !== 2 * answer.readUInt32BE(1)) return undefined;
  const keys: AgentKey[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const [blob, comment] = parts.slice(index, index + 2);
    if (blob !== undefined) keys.push({ blob, comment: comment?.toString('utf8') ?? '' });
  }
  return keys;
}

function socketOf({ env }: HolderAccess): string {
  const path = env['SSH_AUTH_SOCK'];
  if (path !== undefined && path !== '') return path;
  throw new CodedError('no ssh-agent: SSH_AUTH_SOCK is not set', {
    code: 'KEY_MISSING',
    next: 'eval "$(ssh-agent)", then ssh-add FILE',
  });
}

/** Sends one request on a new connection. Returns the answer without its length field. */
async function ask(path: string, message: Buffer, access: HolderAccess): Promise<Buffer> {
  const limitMs = access.timeLimitMs ?? HOLDER_TIME_LIMIT_MS;
  const socket = addAbortSignal(AbortSignal.timeout(limitMs), connect(path));
  try {
    socket.write(Buffer.concat([uint32(message.length), message]));
    let received = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4) continue;
      const end = 4 + received.readUInt32BE();
      if (end > 4 + MAX_MESSAGE_BYTES) throw noAgent(path, `its answer has ${end - 4} bytes`);
      if (received.length >= end) return received.subarray(4, end);
    }
    throw noAgent(path, 'it closed the connection without an answer');
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    if (cause instanceof Error && cause.name === 'AbortError') throw tooSlow(path, limitMs, cause);
    throw noAgent(path, cause instanceof Error ? cause.message : String(cause), cause);
  } finally {
    socket.destroy();
  }
}

function tooSlow(path: string, limitMs: number, cause: unknown): CodedError {
  return new CodedError(`ssh-agent at ${path} gave no answer in ${limitMs / 1000} s`, {
    code: 'KEY_LOCKED',
    cause,
    next: 'check whether it waits for a PIN, a touch or a confirmation, then try again',
  });
}

function noAgent(path: string, why: string, cause?: unknown): CodedError {
  return new CodedError(`no ssh-agent at ${path}: ${why}`, {
    code: 'KEY_MISSING',
    cause,
    next: 'eval "$(ssh-agent)", then ssh-add FILE',
  });
}
