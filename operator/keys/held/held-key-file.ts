import { basename, isAbsolute } from 'node:path';
import { z } from 'zod';
import { CodedError } from '../../../shared/coded-error.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import { openRegular } from '../../files/open-regular.ts';
import { writeNewFile } from '../../files/write-new-file.ts';
import { KeyDocument } from '../file/key-file.ts';
import { makeKeysDirectory } from '../file/keys-directory.ts';
import { keyObjectOf, tufKeyOf } from '../public/public-key.ts';
import { keyIdOf, type TufKey } from '../public/signer.ts';

const MAX_BYTES = 16 * 1024;

/** Identifies key and region permanently. An alias could be moved to another key. */
export const KmsKeyArn = z
  .string()
  .max(256)
  .regex(
    /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/,
    'expected the ARN of a KMS key, for example "arn:aws:kms:eu-central-1:111122223333:key/..."',
  );

const Argument = z
  .string()
  .max(1024)
  .refine((argument) => !argument.includes('\0'), 'expected no zero byte');

/** Program and arguments. mm never passes a command line to a shell. */
export const Command = z.tuple([Argument.min(1)], Argument).check(
  z.maxLength(32),
  z.refine(
    ([program]) => isAbsolute(program) || !program.includes('/'),
    'expected an absolute path, or the name of a program on the search path',
  ),
);
export type Command = Readonly<z.infer<typeof Command>>;

/** What holds the private part of a key when it is not in the key file. */
export const Holder = z.discriminatedUnion('kind', [
  /** The comment shows people which key it is. mm finds the key by its public part. */
  z.strictObject({ kind: z.literal('ssh-agent'), comment: z.string().max(200) }),
  z.strictObject({ kind: z.literal('kms'), key: KmsKeyArn }),
  z.strictObject({ kind: z.literal('command'), command: Command }),
]);
export type Holder = Readonly<z.infer<typeof Holder>>;

/** Like {@link KeyDocument}, but without secrets: it may be stored in a git repository. */
export const HeldKeyDocument = KeyDocument.extend({ private: Holder });
export type HeldKeyDocument = z.infer<typeof HeldKeyDocument>;

export interface HeldKeyFile {
  readonly path: string;
  /** The file's name without `.json`, for people. */
  readonly name: string;
  readonly document: HeldKeyDocument;
}

/** What mm needs to reach the holder of a key. */
export interface HolderAccess {
  /** The environment of mm: SSH_AUTH_SOCK and proxies. Commands get all of it. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Time limit for one answer; default {@link HOLDER_TIME_LIMIT_MS}. */
  readonly timeLimitMs?: number | undefined;
}

/** Long enough for a person to type a PIN, or to find the token and touch it. */
export const HOLDER_TIME_LIMIT_MS = 120_000;

/** A public key as its holder returned it. */
export interface FoundKey {
  readonly publicKey: TufKey;
  readonly holder: Holder;
}

/** The content of the key file, before it is written. */
export function heldKeyFile(path: string, { publicKey, holder }: FoundKey, now: Date): HeldKeyFile {
  const document: HeldKeyDocument = {
    format: 'miyamoto-key',
    version: 1,
    created: now.toISOString(),
    keyid: keyIdOf(publicKey),
    public: publicKey,
    private: holder,
  };
  return { path, name: basename(path, '.json'), document };
}

/** Throws KEY_INVALID when the file exists. */
export async function writeHeldKeyFile({ path, document }: HeldKeyFile): Promise<void> {
  await makeKeysDirectory(path);
  if (!(await writeNewFile(path, `${JSON.stringify(document)}\n`, 0o644))) {
    throw invalid(path, 'a key file exists already, and mm never overwrites one');
  }
}

const HeldKind = z.looseObject({
  private: z.looseObject({ kind: z.enum(['ssh-agent', 'kms', 'command']) }),
});

/**
 * Reads the file of a key that is held elsewhere. Returns undefined for every other file, and for a
 * file that cannot be read. Throws KEY_INVALID when other users may change the file, or when it
 * differs from what `mm key new` writes.
 */
export async function readHeldKeyFile(path: string): Promise<HeldKeyFile | undefined> {
  const found = await readSmallJson(path);
  if (!HeldKind.safeParse(found?.value).success) return undefined;
  // The file can name a program, which mm then runs as the operator.
  if (found !== undefined && (found.mode & 0o022) !== 0) {
    const octal = (found.mode & 0o777).toString(8).padStart(4, '0');
    throw invalid(
      path,
      `other users may change it: its mode is ${octal}`,
      `chmod go-w ${shellWord(path)}`,
    );
  }
  const parsed = HeldKeyDocument.safeParse(found?.value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(path, `${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { keyid, public: publicKey } = parsed.data;
  const key = keyObjectOf(publicKey);
  const own = key === undefined ? undefined : tufKeyOf(key);
  if (own === undefined || keyIdOf(own) !== keyid || keyIdOf(publicKey) !== keyid) {
    throw invalid(path, `its key id ${keyid} is not the hash of an Ed25519 or P-256 key in it`);
  }
  return { path, name: basename(path, '.json'), document: parsed.data };
}

async function readSmallJson(
  path: string,
): Promise<{ readonly value: unknown; readonly mode: number } | undefined> {
  try {
    await using file = await openRegular(path);
    const { mode, size } = await file.stat();
    if (size > MAX_BYTES) return undefined;
    return { value: JSON.parse(await file.readFile('utf8')), mode };
  } catch {
    return undefined; // the reader of the other kind of key file reports the problem
  }
}

function invalid(path: string, what: string, next?: string): CodedError {
  return new CodedError(`signing key ${path}: ${what}`, {
    code: 'KEY_INVALID',
    next: next ?? 'restore the file from your copy, or: mm key new',
  });
}
