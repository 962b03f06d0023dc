import { generateKeyPairSync } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { Instant, Sha256 } from '../../../bucket/documents/names.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { fileProblem } from '../../../shared/file-problem.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import { openRegular } from '../../files/open-regular.ts';
import { writeNewFile } from '../../files/write-new-file.ts';
import { keyIdOf, TufKey } from '../public/signer.ts';
import { makeKeysDirectory } from './keys-directory.ts';
import { encryptPrivateKey, PrivatePart } from './private-part.ts';

const MAX_BYTES = 16 * 1024;

/**
 * A signing key as stored on disk: one line of JSON, mode 0600. The public part is readable without
 * a passphrase.
 */
export const KeyDocument = z.strictObject({
  format: z.literal('miyamoto-key'),
  version: z.literal(1),
  created: Instant,
  keyid: Sha256,
  public: TufKey,
  private: PrivatePart,
});
export type KeyDocument = z.infer<typeof KeyDocument>;

/** A key file that was read and checked. Its private part is still encoded as on disk. */
export interface KeyFile {
  readonly path: string;
  /** The file's name without `.json`, for people. */
  readonly name: string;
  readonly document: KeyDocument;
}

export interface NewKey {
  readonly path: string;
  /**
   * Undefined: the private part is written unencrypted, and only the mode of the file protects it.
   */
  readonly passphrase: string | undefined;
  readonly now: Date;
}

/** Makes an Ed25519 key and its file. Throws KEY_INVALID when the file exists. */
export async function createKeyFile({ path, passphrase, now }: NewKey): Promise<KeyFile> {
  const document = await newKeyDocument(passphrase, now);
  await makeKeysDirectory(path);
  if (!(await writeNewFile(path, `${JSON.stringify(document)}\n`, 0o600))) {
    throw invalid(path, 'a key file exists already, and mm never overwrites one');
  }
  return { path, name: basename(path, '.json'), document };
}

async function newKeyDocument(passphrase: string | undefined, now: Date): Promise<KeyDocument> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const key: TufKey = {
    keytype: 'ed25519',
    scheme: 'ed25519',
    keyval: { public: raw.toString('hex') },
  };
  const keyid = keyIdOf(key);
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
  return {
    format: 'miyamoto-key',
    version: 1,
    created: now.toISOString(),
    keyid,
    public: key,
    private:
      passphrase === undefined
        ? { kind: 'plain', pkcs8: pkcs8.toString('base64') }
        : await encryptPrivateKey(pkcs8, passphrase, keyid),
  };
}

/**
 * Reads a key file. Throws KEY_MISSING when it does not exist; KEY_INVALID when other users may
 * read it, when it is truncated or changed, or when its key id is not the hash of its key.
 */
export async function readKeyFile(path: string): Promise<KeyFile> {
  const text = await readPrivateText(path);
  const parsed = KeyDocument.safeParse(parseJson(text, path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(path, `${issue?.path.join('.')}: ${issue?.message}`, parsed.error);
  }
  const document = parsed.data;
  if (keyIdOf(document.public) !== document.keyid) {
    throw invalid(path, `its key id ${document.keyid} is not the hash of its public key`);
  }
  return { path, name: basename(path, '.json'), document };
}

async function readPrivateText(path: string): Promise<string> {
  try {
    await using file = await openRegular(path);
    const { mode, size } = await file.stat();
    if ((mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      throw invalid(
        path,
        `wanted mode 0600, found ${octal}`,
        undefined,
        `chmod 600 ${shellWord(path)}`,
      );
    }
    if (size > MAX_BYTES) throw invalid(path, `wanted at most ${MAX_BYTES} bytes, found ${size}`);
    return await file.readFile('utf8');
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    const { why } = fileProblem(path, cause);
    throw new CodedError(`cannot read the signing key: ${why}`, {
      code: 'KEY_MISSING',
      cause,
      next: `ls ${shellWord(dirname(path))}; or give the directory of the keys with --keys DIR`,
    });
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(path, 'wanted JSON, found something else or truncated JSON', cause);
  }
}

function invalid(path: string, what: string, cause?: unknown, next?: string): CodedError {
  return new CodedError(`signing key ${path}: ${what}`, {
    code: 'KEY_INVALID',
    cause,
    next: next ?? 'restore the file from your copy',
  });
}
