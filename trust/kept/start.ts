import { createHash } from 'node:crypto';
import type { JsonObject } from '../../shared/json.ts';
import { expiredRoles } from '../metadata/expiry.ts';
import { inspectMetadata } from '../workflow/inspect.ts';
import { type RootChain, rootFile, walkRoots } from '../workflow/root-chain.ts';
import { readKept, type TrustRecord } from './trust-directory.ts';

interface StartOptions {
  readonly directory: string;
  readonly packagedRoot: Uint8Array;
  readonly treeId?: string;
}

/** What a refresh starts from. */
export interface Start {
  readonly chain: RootChain;
  /** sha256 of the installed root. */
  readonly anchor: string;
  /** All files in the directory, by name. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** The files that can be read and belong to this tree. Not verified yet. */
  readonly local: ReadonlyMap<string, Buffer>;
  /**
   * Roles whose file had a signed `x-role` in this or an earlier refresh. From then on a file
   * without it is refused, even when this machine no longer has the earlier file (I22).
   */
  readonly named: ReadonlySet<string>;
  /** `expires` of the files that a refresh starts from, by file name. Not verified yet. */
  readonly expires: Readonly<Record<string, string>>;
  readonly record: TrustRecord | undefined;
  /** Whether these are the files that the last refresh kept: see `KeptTrust`. */
  readonly isCurrent: boolean;
  /** No root below this version is accepted. */
  readonly rootFloor: number;
  /** ms since 1970; see `guardClock`. */
  readonly clockFloor: number;
  /** The installed root belongs to another chain of roots: the kept files are ignored. */
  readonly isNewAnchor: boolean;
}

/** Throws ROOT_INVALID when the installed root is not a trust root. */
export function readStart({ directory, packagedRoot, treeId }: StartOptions): Start {
  const { files, record, isCurrent } = readKept(directory);
  const chain = walkRoots(packagedRoot, files, treeId);
  const anchor = createHash('sha256').update(packagedRoot).digest('hex');
  const common = { anchor, files, record, isCurrent, clockFloor: record?.clockFloor ?? 0 };
  if (record !== undefined && record.anchor !== anchor && isOutside(chain, files, record)) {
    const local = new Map<string, Buffer>();
    const nothing = { local, named: new Set<string>(), expires: {}, rootFloor: 0 };
    const alone = walkRoots(packagedRoot, new Map(), treeId);
    return { ...common, ...nothing, chain: alone, isNewAnchor: true };
  }
  const local = new Map<string, Buffer>();
  const named = new Set(record?.named);
  const expires: Record<string, string> = {};
  for (const [name, bytes] of files) {
    const signed = signedOfTree(bytes, name, chain.treeId);
    if (signed === undefined) continue;
    local.set(name, bytes);
    // signedOfTree has compared it with the name of the file.
    if (signed['x-role'] !== undefined) named.add(String(signed['x-role']));
    const isOlderRoot = name.endsWith('.root.json') && name !== rootFile(chain.version);
    if (!isOlderRoot) expires[name] = String(signed['expires']);
  }
  const rootFloor = record?.rootVersion ?? 0;
  return { ...common, chain, local, named, expires, rootFloor, isNewAnchor: false };
}

/** Whether a kept file has expired at `now`. */
export function isExpired({ expires }: Start, now: number): boolean {
  return expiredRoles(expires, now).length > 0;
}

/**
 * Whether the installed root belongs to another chain of roots than the kept files. A new package
 * may contain another root of the same chain, or the first root of a tree that was created again. A
 * root that is newer than all known ones counts as the same chain, because files that its keys did
 * not sign are refused anyway.
 */
function isOutside(
  chain: RootChain,
  files: ReadonlyMap<string, Buffer>,
  record: TrustRecord,
): boolean {
  const [installed] = chain.roots;
  const kept = installed === undefined ? undefined : files.get(installed[0]);
  if (installed !== undefined && kept !== undefined && isOfTree(kept, installed[0], chain.treeId)) {
    return signedPart(kept) !== signedPart(installed[1]);
  }
  return chain.roots.size === 1 && chain.version <= record.rootVersion;
}

/** Compares without signatures: a root with one more signature is still the same root. */
function signedPart(bytes: Buffer): string {
  const { signed }: { signed?: unknown } = JSON.parse(bytes.toString());
  return JSON.stringify(signed);
}

/**
 * Whether the bytes are metadata of the role `name` and of this tree. Signatures are not verified.
 */
export function isOfTree(bytes: Uint8Array, name: string, treeId: string): boolean {
  return signedOfTree(bytes, name, treeId) !== undefined;
}

function signedOfTree(bytes: Uint8Array, name: string, treeId: string): JsonObject | undefined {
  try {
    return inspectMetadata(bytes, name, treeId);
  } catch {
    return undefined;
  }
}
