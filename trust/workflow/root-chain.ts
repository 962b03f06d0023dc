import { TrustedMetadataStore } from 'tuf-js/dist/store.js';
import { CodedError } from '../../shared/coded-error.ts';
import { inspectMetadata, treeIdOf } from './inspect.ts';

/**
 * The roots from the installed one up to the newest kept one, each signed by the keys of the one
 * before.
 */
export interface RootChain {
  readonly treeId: string;
  readonly version: number;
  readonly newest: Buffer;
  /** By file name, `3.root.json`, the installed one included. */
  readonly roots: ReadonlyMap<string, Buffer>;
}

/**
 * Walks from the installed root (TUF 5.2) through the roots that an earlier refresh kept. It ends
 * at the first one that is missing or not verified: a truncated file is fetched again. Throws
 * ROOT_INVALID when the installed one is unusable.
 */
export function walkRoots(
  packagedRoot: Uint8Array,
  kept: ReadonlyMap<string, Buffer>,
  expectedTreeId?: string,
): RootChain {
  let newest: Buffer = Buffer.from(packagedRoot);
  const { treeId, store } = openPackagedRoot(newest, expectedTreeId);
  const roots = new Map<string, Buffer>([[rootFile(store.root.signed.version), newest]]);
  for (;;) {
    const file = rootFile(store.root.signed.version + 1);
    const bytes = kept.get(file);
    if (bytes === undefined || !isSuccessor(store, { bytes, file, treeId })) break;
    roots.set(file, bytes);
    newest = bytes;
  }
  return { treeId, version: store.root.signed.version, newest, roots };
}

export function rootFile(version: number): string {
  return `${version}.root.json`;
}

function openPackagedRoot(
  bytes: Buffer,
  expectedTreeId: string | undefined,
): { treeId: string; store: TrustedMetadataStore } {
  try {
    const treeId = expectedTreeId ?? treeIdOf(bytes);
    inspectMetadata(bytes, 'root.json', treeId);
    return { treeId, store: new TrustedMetadataStore(bytes) };
  } catch (cause) {
    if (cause instanceof CodedError && cause.code === 'ROOT_INVALID') throw cause;
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError(`the installed root.json is not a trust root: ${said}`, {
      code: 'ROOT_INVALID',
      cause,
      next: 'install the root.json that mm init made for this tree',
    });
  }
}

function isSuccessor(
  store: TrustedMetadataStore,
  { bytes, file, treeId }: { bytes: Buffer; file: string; treeId: string },
): boolean {
  try {
    inspectMetadata(bytes, file, treeId);
    store.updateRoot(bytes);
    return true;
  } catch {
    return false;
  }
}
