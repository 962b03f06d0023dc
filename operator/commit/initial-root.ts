import { metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { treeIdOf } from '../../trust/workflow/inspect.ts';
import type { Signer, TufKey } from '../keys/signer.ts';
import { checkRoot } from '../metadata/delegation.ts';
import {
  parseSignedFile,
  type RoleContent,
  type SignedFile,
  signFile,
} from '../metadata/signed-file.ts';
import { putMetadata, type TreePlace } from './upload.ts';

/** The keys of a tree with one operator. */
export interface SoloKeys {
  /** Signs everything, every day. */
  readonly operator: Signer;
  /** Root and targets only, for the day on which the first is lost; lies in a safe. */
  readonly safe: Signer;
}

export interface InitialRoot extends TreePlace {
  readonly treeId: string;
  readonly keys: SoloKeys;
  now(): number;
}

/**
 * Puts 1.root.json where none is. An earlier `mm init` of the same keys that was ended half-way has left the very root
 * that is wanted: that one is taken up. Throws ALREADY_INITIALIZED for a root of other keys.
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
  throw new CodedError(`s3://${bucket.name}/${key} is there already, made with other keys`, {
    code: 'ALREADY_INITIALIZED',
    next: 'use the keys and the root file that it was made with, or choose another --tree',
  });
}

async function signRoot({ treeId, keys, now }: InitialRoot): Promise<SignedFile> {
  const { operator, safe } = keys;
  const online = { keyids: [operator.keyId], threshold: 1 };
  const offline = { keyids: [operator.keyId, safe.keyId], threshold: 1 };
  const content: RoleContent = {
    _type: 'root',
    consistent_snapshot: true,
    keys: keyMap([operator, safe]),
    'x-key-names': { [operator.keyId]: 'operator', [safe.keyId]: 'safe' },
    roles: { root: offline, targets: offline, snapshot: online, timestamp: online },
  };
  const signers = [operator];
  const root = await signFile({ role: 'root', version: 1, content, signers, treeId, now: now() });
  checkRoot(parseSignedFile(root.bytes, 'root'));
  return root;
}

/** Public keys by key id, as TUF documents list them. */
export function keyMap(signers: readonly Signer[]): Record<string, TufKey> {
  return Object.fromEntries(signers.map(({ keyId, publicKey }) => [keyId, publicKey]));
}

function isOwn(bytes: Buffer, treeId: string, { operator, safe }: SoloKeys): boolean {
  try {
    const root = parseSignedFile(bytes, 'root');
    checkRoot(root);
    const keyIds = root.signed.roles['root']?.keyIDs ?? [];
    return (
      treeIdOf(bytes) === treeId &&
      keyIds.includes(operator.keyId) &&
      keyIds.includes(safe.keyId) &&
      keyIds.length === 2
    );
  } catch {
    return false; // not even a root that could be read: not one of ours
  }
}
