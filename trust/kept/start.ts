import { createHash } from 'node:crypto';
import { inspectMetadata } from '../workflow/inspect.ts';
import { type RootChain, walkRoots } from '../workflow/root-chain.ts';
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
  /** Everything that lies in the directory. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** What of it may count: readable and of this tree. Verified by nobody yet. */
  readonly local: ReadonlyMap<string, Buffer>;
  readonly record: TrustRecord | undefined;
  /** No root below this version is taken. */
  readonly rootFloor: number;
  /** Another root was installed that what lies here does not lead to: nothing of it counts. */
  readonly isNewAnchor: boolean;
}

/** Throws ROOT_INVALID when the installed root is none. */
export function readStart({ directory, packagedRoot, treeId }: StartOptions): Start {
  const { files, record } = readKept(directory);
  const chain = walkRoots(packagedRoot, files, treeId);
  const anchor = createHash('sha256').update(packagedRoot).digest('hex');
  if (record !== undefined && record.anchor !== anchor && isOutside(chain, files, record)) {
    const none = new Map<string, Buffer>();
    const alone = walkRoots(packagedRoot, none, treeId);
    return { chain: alone, anchor, files, local: none, record, rootFloor: 0, isNewAnchor: true };
  }
  const local = new Map([...files].filter(([name, bytes]) => isOfTree(bytes, name, chain.treeId)));
  const rootFloor = record?.rootVersion ?? 0;
  return { chain, anchor, files, local, record, rootFloor, isNewAnchor: false };
}

/**
 * Another package brings another root of the same chain, or the one that a tree begins with anew. One above all that was
 * seen is taken for the same chain: what its keys do not vouch for falls away by itself.
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

/** A root that somebody signed later as well is still the same. */
function signedPart(bytes: Buffer): string {
  const { signed }: { signed?: unknown } = JSON.parse(bytes.toString());
  return JSON.stringify(signed);
}

export function isOfTree(bytes: Uint8Array, name: string, treeId: string): boolean {
  try {
    inspectMetadata(bytes, name, treeId);
    return true;
  } catch {
    return false;
  }
}
