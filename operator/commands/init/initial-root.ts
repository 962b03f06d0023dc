import { metadataKey } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { treeIdOf } from '../../../trust/workflow/inspect.ts';
import type { Signer, TufKey } from '../../keys/public/signer.ts';
import { checkRoot } from '../../metadata/delegation.ts';
import {
  parseSignedFile,
  type RoleContent,
  type SignedFile,
  signFile,
} from '../../metadata/signed-file.ts';
import { putMetadata, type TreePlace } from '../../repository/stored-files.ts';

/** The keys of a tree that one person operates. */
export interface SoloKeys {
  /** Signs releases, snapshot and timestamp, every day. */
  readonly operator: Signer;
  /**
   * Signs root and targets. It is not kept on the machine, so that a thief of the daily key can
   * neither add keys nor lock the owner out.
   */
  readonly safe: Signer;
}

export interface InitialRoot extends TreePlace {
  readonly treeId: string;
  readonly keys: SoloKeys;
  now(): number;
}

/**
 * Uploads 1.root.json unless it exists. When an earlier interrupted `mm init` with the same keys
 * has left one, it returns that root. Throws ALREADY_INITIALIZED for a root with other keys.
 */
export async function establishRoot(options: InitialRoot): Promise<SignedFile> {
  const root = await signRoot(options);
  if ((await putMetadata(options, root)) === 'there') return root;
  const { bucket, tree, treeId, keys } = options;
  const key = metadataKey(tree, root.file);
  const found = await bucket.get(key, { maxBytes: 512 * 1024 });
  if (found.kind === 'object' && isOwn(found.bytes, treeId, keys)) {
    return { ...root, bytes: found.bytes };
  }
  throw new CodedError(`s3://${bucket.name}/${key} exists already, made with other keys`, {
    code: 'ALREADY_INITIALIZED',
    next: 'use its keys and its root file, or choose another --tree',
  });
}

async function signRoot({ treeId, keys, now }: InitialRoot): Promise<SignedFile> {
  const { operator, safe } = keys;
  const content: RoleContent = {
    _type: 'root',
    consistent_snapshot: true,
    keys: keyMap([operator, safe]),
    'x-key-names': { [operator.keyId]: 'operator', [safe.keyId]: 'safe' },
    roles: rolesOf(keys),
  };
  const signers = [safe];
  const root = await signFile({ role: 'root', version: 1, content, signers, treeId, now: now() });
  checkRoot(parseSignedFile(root.bytes, 'root'));
  return root;
}

function rolesOf({ operator, safe }: SoloKeys) {
  const online = { keyids: [operator.keyId], threshold: 1 };
  const offline = { keyids: [safe.keyId], threshold: 1 };
  return { root: offline, targets: offline, snapshot: online, timestamp: online };
}

/** Public keys by key id, as TUF documents list them. */
export function keyMap(signers: readonly Signer[]): Record<string, TufKey> {
  return Object.fromEntries(signers.map(({ keyId, publicKey }) => [keyId, publicKey]));
}

function isOwn(bytes: Buffer, treeId: string, keys: SoloKeys): boolean {
  try {
    const root = parseSignedFile(bytes, 'root');
    checkRoot(root);
    const roles = Object.entries(rolesOf(keys));
    return (
      treeIdOf(bytes) === treeId &&
      roles.every(([role, { keyids }]) => root.signed.roles[role]?.keyIDs.join() === keyids.join())
    );
  } catch {
    return false; // it is not a root
  }
}
