import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import { jsonObject } from '../../../shared/json.ts';
import { binaryTarget, isBinariesRole } from '../../../trust/metadata/role-names.ts';
import type { Context } from '../../context.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import type { ProposedDocument } from '../../proposals/file.ts';
import { digestOf } from '../binaries/read-files.ts';

/*
 * No commit gives a binary. The second signer gets the file from where it comes, from its vendor
 * for example, and compares it with what is proposed.
 */

export interface BinaryOptions {
  /** Files, or directories with files of the proposed names. */
  readonly binary?: readonly string[] | undefined;
}

/** A binary of a proposal, and whether a file of this machine is the same. */
export interface ComparedBinary {
  readonly name: string;
  readonly outcome: 'same' | 'not-compared';
  readonly sha256: string;
  /** Bytes. */
  readonly length: number;
  /** For the signer. */
  readonly line: string;
}

type NewBinary = Pick<ComparedBinary, 'name' | 'sha256' | 'length'>;
type LocalFile = NewBinary & { readonly path: string };

/**
 * Compares each binary that the documents bring with the given files. Throws RELEASE_INVALID for a
 * file of the same name and other content, USAGE for a file that belongs to no binary
 * of the proposal.
 */
export async function compareBinaries(
  context: Context,
  given: {
    readonly verified: VerifiedMetadata;
    readonly documents: readonly ProposedDocument[];
    readonly options: BinaryOptions;
  },
): Promise<ComparedBinary[]> {
  const binaries = newBinaries(given.verified, given.documents);
  const files = await localFiles(context, given.options.binary ?? [], binaries);
  return binaries.map((binary) => {
    const { name, sha256, length } = binary;
    const what = `${printable(name, 200)}, ${counted(length, 'byte')}, sha256 ${printable(sha256, 64)}`;
    // A file with the name of another binary must not prove this one, because the two may be
    // exchanged.
    const named = files.filter((file) => file.name === name);
    const renamed = files.filter((file) => !binaries.some((one) => one.name === file.name));
    const same = (named.length > 0 ? named : renamed).find((file) => isSame(file, binary));
    if (same !== undefined) {
      return { ...binary, outcome: 'same', line: `${what}: the same as ${same.path}` };
    }
    const [other] = named;
    if (other !== undefined) throw different(what, other);
    const line = `${what}: not compared with a file of yours: --binary PATH`;
    return { ...binary, outcome: 'not-compared', line };
  });
}

/** Those that the tree does not list now with this content. */
function newBinaries(
  { roles }: VerifiedMetadata,
  documents: readonly ProposedDocument[],
): NewBinary[] {
  const present = [...roles].filter(([role]) => isBinariesRole(role));
  return documents
    .filter(({ role }) => isBinariesRole(role))
    .flatMap(({ signed }) => Object.entries(jsonObject(signed['targets'])))
    .map(([path, target]) => {
      const { hashes, length } = jsonObject(target);
      const sha256 = String(jsonObject(hashes)['sha256']);
      return { path, name: path.slice(binaryTarget('').length), sha256, length: Number(length) };
    })
    .filter(({ path, sha256, length }) =>
      present.every(([, { signed }]) => {
        const there = signed.targets[path];
        return there?.hashes['sha256'] !== sha256 || there.length !== length;
      }),
    )
    .map(({ path: _, ...binary }) => binary);
}

async function localFiles(
  context: Context,
  given: readonly string[],
  binaries: readonly NewBinary[],
): Promise<LocalFile[]> {
  const files: LocalFile[] = [];
  for (const each of given) {
    const path = resolve(context.cwd, each);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory() !== true) {
      const file = await localFile(context, path, basename(path));
      const isMeant = binaries.some((one) => one.name === file.name || isSame(one, file));
      if (!isMeant) throw noneOfThem(path);
      files.push(file);
      continue;
    }
    for (const { name } of binaries) {
      const inside = join(path, name);
      if (statSync(inside, { throwIfNoEntry: false }) === undefined) continue;
      files.push(await localFile(context, inside, name));
    }
  }
  return files;
}

async function localFile(context: Context, path: string, name: string): Promise<LocalFile> {
  return { path, name, ...(await digestOf(context, { path, name })) };
}

function isSame(a: Omit<NewBinary, 'name'>, b: Omit<NewBinary, 'name'>): boolean {
  return a.sha256 === b.sha256 && a.length === b.length;
}

function different(what: string, { path, sha256, length }: LocalFile): CodedError {
  return new CodedError(`${what}: ${path} has ${counted(length, 'byte')} and sha256 ${sha256}`, {
    code: 'RELEASE_INVALID',
    next: 'do not sign; ask who proposed it where the file is from',
    details: { path, found: sha256 },
  });
}

function noneOfThem(path: string): CodedError {
  return new CodedError(`${path} is not a binary that this proposal brings`, {
    code: 'USAGE',
    next: 'mm root sign FILE --noop shows what it brings',
  });
}
