import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { CodedError } from '../../shared/coded-error.ts';
import type { PassphraseSource } from './file-signer.ts';

const MAX_BYTES = 1024;

/** Where a passphrase may come from; the first that is given counts. Never the text of an argument: `ps` shows those. */
export interface PassphraseOptions {
  readonly file?: string | undefined;
  readonly fd?: number | undefined;
  /** Asks a person without showing what is typed; undefined without a terminal. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
}

/** What was given is read once, when the first locked key wants it. */
export function passphraseSource({ file, fd, ask }: PassphraseOptions): PassphraseSource {
  let given: Promise<string> | undefined;
  return (keyName) => {
    if (file !== undefined || fd !== undefined) {
      given ??= readPassphrase(file ?? '', fd);
      return given;
    }
    if (ask !== undefined) return ask(`Passphrase of signing key ${keyName}: `).then(notEmpty);
    return Promise.reject(
      new CodedError(`signing key ${keyName} has a passphrase, and there is no terminal to ask`, {
        code: 'KEY_LOCKED',
        next: 'give --passphrase-file FILE, or MM_KEY_PASSPHRASE_FILE in the environment',
      }),
    );
  };
}

async function readPassphrase(file: string, fd: number | undefined): Promise<string> {
  try {
    return notEmpty(await readAll(createReadStream(file, fd === undefined ? {} : { fd })));
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError(`cannot read the passphrase: ${why}`, {
      code: 'KEY_LOCKED',
      cause,
      next: 'check --passphrase-file, --passphrase-fd and MM_KEY_PASSPHRASE_FILE',
    });
  }
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BYTES) {
      throw new CodedError(`wanted a passphrase of at most ${MAX_BYTES} bytes, found more`, {
        code: 'KEY_LOCKED',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

function notEmpty(passphrase: string): string {
  if (passphrase !== '') return passphrase;
  throw new CodedError('wanted a passphrase, found nothing', { code: 'KEY_LOCKED' });
}
