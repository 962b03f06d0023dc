import { z } from 'zod';
import { Sha256 } from '../../../bucket/documents/names.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { fileProblem } from '../../../shared/file-problem.ts';
import { openRegular } from '../../files/open-regular.ts';
import { keyObjectOf, tufKeyOf } from './public-key.ts';
import { keyIdOf, TufKey } from './signer.ts';

const MAX_BYTES = 16 * 1024;

/** Names of keys tell people who owns a key. */
export const KeyName = z
  .string()
  .regex(/^\w[\w.@-]{0,63}$/, 'expected letters, digits, "_", "-", "." or "@", at most 64');

/** The public part of a key, in a file that one person sends to another. */
export const PublicKeyDocument = z.strictObject({
  format: z.literal('miyamoto-public-key'),
  version: z.literal(1),
  /**
   * A key belongs to one tree: if trees shared a key, files of one tree could replace those of
   * another.
   */
  tree: z.string().max(200),
  name: KeyName,
  keyid: Sha256,
  public: TufKey,
});
export type PublicKeyDocument = Readonly<z.infer<typeof PublicKeyDocument>>;

/**
 * Throws KEY_MISSING when the file does not exist, KEY_INVALID when it is broken, TREE_MISMATCH
 * when it was made for another tree. `hint` ends the message about a missing file.
 */
export async function readPublicKey(
  path: string,
  treeId: string,
  hint = '',
): Promise<PublicKeyDocument> {
  const parsed = PublicKeyDocument.safeParse(parseJson(await readText(path, hint), path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(path, `${issue?.path.join('.')}: ${issue?.message}`);
  }
  const document = parsed.data;
  const key = keyObjectOf(document.public);
  const own = key === undefined ? undefined : tufKeyOf(key);
  // Checks both forms, so that one key cannot get two ids through another encoding.
  if (
    own === undefined ||
    keyIdOf(own) !== document.keyid ||
    keyIdOf(document.public) !== document.keyid
  ) {
    throw invalid(path, 'its key id is not the hash of an Ed25519 or P-256 key in it');
  }
  if (document.tree === treeId) return document;
  throw new CodedError(`${path} is a key for tree ${document.tree}, not for ${treeId}`, {
    code: 'TREE_MISMATCH',
    next: 'mm key new NAME for this tree, then mm key export NAME',
  });
}

async function readText(path: string, hint: string): Promise<string> {
  try {
    await using file = await openRegular(path);
    const { size } = await file.stat();
    if (size > MAX_BYTES) throw invalid(path, `wanted at most ${MAX_BYTES} bytes, found ${size}`);
    return await file.readFile('utf8');
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    const { why } = fileProblem(path, cause);
    throw new CodedError(`cannot read the public key: ${why}${hint}`, {
      code: 'KEY_MISSING',
      cause,
      next: 'the owner of the key makes the file: mm key export NAME --out NAME.pub.json',
    });
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(path, 'wanted JSON, found something else', cause);
  }
}

function invalid(path: string, what: string, cause?: unknown): CodedError {
  return new CodedError(`public key ${path}: ${what}`, {
    code: 'KEY_INVALID',
    cause,
    next: 'ask the owner of the key for the file again: mm key export NAME --out NAME.pub.json',
  });
}
