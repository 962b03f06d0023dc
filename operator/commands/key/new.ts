import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import { didYouMean } from '../../../shared/suggestion.ts';
import type { Answer, Context, SigningOptions } from '../../context.ts';
import { writeNewFile } from '../../files/write-new-file.ts';
import type { KeyNewAnswer } from '../../key-answers.ts';
import { askNewPassphrase, passphraseSource } from '../../keys/file/passphrase.ts';
import { KeyName, type PublicKeyDocument } from '../../keys/public/public-key-file.ts';
import { type NewSigningKey, newKeyFile, readSigningKey } from '../../keys/signing-key.ts';
import { givenPassphrase, keysDirectory, loadTree } from '../../open-tree.ts';
import { assertKeysOutside } from '../../release/keys-outside.ts';
import { keyNames } from './arguments.ts';

export interface KeyNewOptions extends SigningOptions {
  readonly signer?: string | undefined;
  /** Fingerprint or comment (ssh-agent), ARN, id or alias (KMS). */
  readonly key?: string | undefined;
  readonly passphrase?: boolean | undefined;
}

export interface WantedKey {
  readonly name: string;
  /** Program and arguments, for `--signer command`. */
  readonly command: readonly string[];
}

/**
 * `mm key new`: a key for this tree only. It has no effect until `mm key rotate` adds it to a role.
 */
export async function newKey(
  context: Context,
  { name, command }: WantedKey,
  options: KeyNewOptions,
): Promise<Answer> {
  const { config, path } = await keyPlace(context, name, options);
  await assertKeysOutside({ directory: config.repository, env: context.env }, dirname(path));
  // Must come before the question for the passphrase, and with --noop, too.
  if (existsSync(path)) throw exists(path);
  const kind = options.signer ?? 'file';
  const wanted = await wantedKey(context, { path, kind, command, options });
  const isNoop = options.noop === true;
  const made = isNoop ? undefined : await newKeyFile(wanted);
  const document: KeyNewAnswer = {
    schemaVersion: 1,
    outcome: isNoop ? 'noop' : 'made',
    tree: config.tree,
    name,
    file: path,
    kind,
    keyId: made?.document.keyid ?? null,
  };
  const lines = isNoop
    ? [`would write ${path}`]
    : [
        `key ${document.keyId} of ${config.id}`,
        `file ${path}`,
        `next: mm key export ${name} --out ${name}.pub.json, for the person who runs mm key rotate`,
      ];
  return { document, lines };
}

/** `mm key export`: the public part of a key, for a colleague. */
export async function exportKey(
  context: Context,
  name: string,
  options: SigningOptions & { readonly out?: string | undefined },
): Promise<Answer> {
  const { config, path } = await keyPlace(context, name, options);
  if (!existsSync(path)) {
    const directory = dirname(path);
    const hint = didYouMean(name, await keyNames(directory));
    throw new CodedError(`no signing key ${name} in ${directory}${hint}`, {
      code: 'KEY_MISSING',
      next: `ls ${shellWord(directory)}; or give the directory of the keys with --keys DIR`,
    });
  }
  const { document: key } = await readSigningKey(path);
  const document: PublicKeyDocument = {
    format: 'miyamoto-public-key',
    version: 1,
    tree: config.id,
    name,
    keyid: key.keyid,
    public: key.public,
  };
  const text = JSON.stringify(document, null, 1);
  if (options.out === undefined) return { document, lines: [text] };
  const out = resolve(context.cwd, options.out);
  const taken = new CodedError(`${out} already exists`, {
    code: 'USAGE',
    next: '--out another file',
  });
  if (existsSync(out)) throw taken;
  if (options.noop === true) return { document, lines: [`would write ${out}`] };
  if (!(await writeNewFile(out, `${text}\n`, 0o644))) throw taken;
  return {
    document,
    lines: [`wrote ${out}: it contains no secret; protect it against changes on the way`],
  };
}

async function keyPlace(context: Context, name: string, options: SigningOptions) {
  if (!KeyName.safeParse(name).success) {
    throw usage(`name ${JSON.stringify(name)}: wanted letters, digits, "_", "-", "." or "@"`);
  }
  const config = await loadTree(context, options);
  return { config, path: join(keysDirectory(context, config, options), `${name}.json`) };
}

const KINDS = ['file', 'ssh-agent', 'kms', 'command'];

async function wantedKey(
  context: Context,
  given: {
    readonly path: string;
    readonly kind: string;
    readonly command: readonly string[];
    readonly options: KeyNewOptions;
  },
): Promise<NewSigningKey> {
  const { path, kind, command, options } = given;
  const { key } = options;
  if (command.length > 0 && kind !== 'command') throw usage('a program needs --signer command');
  const place = { path, now: new Date(context.now()), env: context.env };
  switch (kind) {
    case 'file':
      return { ...place, kind, passphrase: await newPassphrase(context, options) };
    case 'ssh-agent':
      return { ...place, kind, key };
    case 'kms':
      if (key === undefined) throw usage('wanted --key with the ARN, id or alias of a KMS key');
      return { ...place, kind, key };
    case 'command':
      if (command.length === 0) throw usage('wanted -- PROGRAM ARGUMENT...');
      return { ...place, kind, command };
    default:
      throw usage(
        `--signer ${kind}: wanted file, ssh-agent, kms or command${didYouMean(kind, KINDS)}`,
      );
  }
}

async function newPassphrase(
  context: Context,
  options: KeyNewOptions,
): Promise<string | undefined> {
  const given = givenPassphrase(context, options);
  if (options.noop === true) return undefined;
  if (given.file !== undefined || given.fd !== undefined) {
    return await passphraseSource({ ...given, ask: undefined })('to be made');
  }
  return options.passphrase === true
    ? await askNewPassphrase(context.ask, 'Passphrase for the new key')
    : undefined;
}

function exists(path: string): CodedError {
  return new CodedError(`signing key ${path} exists already, and mm never overwrites one`, {
    code: 'KEY_INVALID',
    next: 'mm key list, then mm key new with another name',
  });
}

function usage(message: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next: 'mm key new --help' });
}
