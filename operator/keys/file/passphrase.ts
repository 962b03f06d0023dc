import { closeSync, constants, createReadStream, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { CodedError } from '../../../shared/coded-error.ts';
import { fileProblem } from '../../../shared/file-problem.ts';

const MAX_BYTES = 1024;

/** Asks a person for a line, without showing what is typed. */
export type Ask = (question: string) => Promise<string>;

/** Where a passphrase may come from. Never from the text of an argument: `ps` shows arguments. */
export interface PassphraseOptions {
  readonly file?: string | undefined;
  readonly fd?: number | undefined;
  /** Undefined when there is no terminal. */
  readonly ask?: Ask | undefined;
  /** How long another process may take to write into a pipe. */
  readonly limitMs?: number;
}

/** Long enough for a person to unlock a store of passwords. */
const LIMIT_MS = 120_000;

/** Returns the passphrase of a key. Throws KEY_LOCKED when no source has one. */
export interface PassphraseSource {
  (keyName: string, isRetry?: boolean): Promise<string>;
  /**
   * `typed`: a person may mistype, so a wrong passphrase is asked for again. `none`: every call
   * throws KEY_LOCKED.
   */
  readonly kind?: 'given' | 'typed' | 'none';
}

/**
 * Reads a file or descriptor once, when the first locked key needs it. Its content is used for all
 * keys.
 */
export function passphraseSource({
  file,
  fd,
  ask,
  limitMs = LIMIT_MS,
}: PassphraseOptions): PassphraseSource {
  if (file !== undefined || fd !== undefined) {
    let given: Promise<string> | undefined;
    const read = () => {
      given ??= readPassphrase({ file: file ?? '', fd, limitMs });
      return given;
    };
    return Object.assign(read, { kind: 'given' as const });
  }
  if (ask !== undefined) {
    const read = (keyName: string, isRetry = false) =>
      ask(`${isRetry ? 'Wrong passphrase. ' : ''}Passphrase of signing key ${keyName}: `).then(
        (text) => requireText(text, 'run the command again'),
      );
    return Object.assign(read, { kind: 'typed' as const });
  }
  const refuse = (keyName: string) => Promise.reject(noTerminal(keyName));
  return Object.assign(refuse, { kind: 'none' as const });
}

/** A passphrase for new keys, typed twice. Throws KEY_LOCKED when it is empty or the two differ. */
export async function askNewPassphrase(ask: Ask | undefined, question: string): Promise<string> {
  if (ask === undefined)
    throw notMade('mm can only ask for a passphrase on a terminal', 'on a terminal');
  const first = await ask(`${question}: `);
  const second = await ask('The same again: ');
  if (first === '') throw notMade('the passphrase is empty');
  if (first !== second) throw notMade('the two passphrases differ');
  return first;
}

const CHECK_OPTIONS = 'check --passphrase-file, --passphrase-fd and MM_KEY_PASSPHRASE_FILE';

interface Place {
  readonly file: string;
  readonly fd: number | undefined;
  readonly limitMs: number;
}

async function readPassphrase({ file, fd, limitMs }: Place): Promise<string> {
  try {
    const stream = openStream(fd ?? openSync(file, constants.O_RDONLY | constants.O_NONBLOCK));
    const late = new Error(`nobody has written a passphrase into it for ${limitMs / 1000} s`);
    const timer = setTimeout(() => stream.destroy(late), limitMs);
    const text = await readAll(stream).finally(() => clearTimeout(timer));
    return requireText(text, CHECK_OPTIONS);
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    const { why } = fileProblem(fd === undefined ? file : `file descriptor ${fd}`, cause);
    throw new CodedError(`no passphrase could be read: ${why}`, {
      code: 'KEY_LOCKED',
      cause,
      next: CHECK_OPTIONS,
    });
  }
}

/**
 * A pipe is read as a socket: a read that blocks a thread cannot be ended, and neither can the
 * process.
 */
function openStream(fd: number): Readable {
  const found = fstatSync(fd);
  if (found.isFile()) return createReadStream('', { fd });
  if (found.isFIFO() || found.isSocket()) return new Socket({ fd, writable: false });
  closeSync(fd);
  throw new Error('wanted a file or a pipe, found something else');
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BYTES) {
      throw new CodedError(`a passphrase has at most ${MAX_BYTES} bytes; this one is longer`, {
        code: 'KEY_LOCKED',
        next: CHECK_OPTIONS,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

function requireText(passphrase: string, next: string): string {
  if (passphrase !== '') return passphrase;
  throw new CodedError('the passphrase is empty', { code: 'KEY_LOCKED', next });
}

function noTerminal(keyName: string): CodedError {
  return new CodedError(
    `signing key ${keyName} has a passphrase, and there is no terminal to ask for it`,
    {
      code: 'KEY_LOCKED',
      next: 'give --passphrase-file FILE, or MM_KEY_PASSPHRASE_FILE in the environment',
    },
  );
}

function notMade(message: string, how = 'again'): CodedError {
  return new CodedError(message, {
    code: 'KEY_LOCKED',
    next: `run the command ${how}, or give --passphrase-file FILE`,
  });
}
