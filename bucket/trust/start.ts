import { createHash } from 'node:crypto';
import { inspectMetadata } from './inspect.ts';
import { type RootChain, walkRoots } from './root-chain.ts';
import { readKept, type TrustRecord } from './trust-directory.ts';

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
export async function readStart(directory: string, packagedRoot: Uint8Array): Promise<Start> {
  const { files, record } = await readKept(directory);
  const chain = walkRoots(packagedRoot, files);
  const anchor = createHash('sha256').update(packagedRoot).digest('hex');
  const isNewAnchor =
    record !== undefined && record.anchor !== anchor && isOutsideChain({ chain, record, files });
  if (isNewAnchor) {
    return { chain, anchor, files, local: new Map(), record, rootFloor: 0, isNewAnchor };
  }
  const local = new Map([...files].filter(([name, bytes]) => isOfTree(bytes, name, chain.treeId)));
  const rootFloor = record?.rootVersion ?? 0;
  return { chain, anchor, files, local, record, rootFloor, isNewAnchor };
}

/**
 * A newer package brings a newer root of the same chain, or the one that a re-made tree begins with. One above all that
 * was seen is taken for the same chain: what its keys do not vouch for falls away by itself.
 */
function isOutsideChain({
  chain,
  record,
  files,
}: Pick<Start, 'chain' | 'files'> & { readonly record: TrustRecord }): boolean {
  const [[installed, bytes] = []] = [...chain.roots];
  if (installed === undefined || bytes === undefined) return true;
  const leadsOn = chain.roots.size > 1;
  const isAbove = !leadsOn && chain.version > record.rootVersion;
  return !(leadsOn || isAbove || files.get(installed)?.equals(bytes) === true);
}

export function isOfTree(bytes: Uint8Array, name: string, treeId: string): boolean {
  try {
    inspectMetadata(bytes, name, treeId);
    return true;
  } catch {
    return false;
  }
}
