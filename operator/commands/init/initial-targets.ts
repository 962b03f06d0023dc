import { join } from 'node:path';
import type { Metadata, Root } from '@tufjs/models';
import { blobPrefix, metadataKey } from '../../../bucket/layout.ts';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { readKept } from '../../../trust/kept/trust-directory.ts';
import { environmentPaths, environmentRole } from '../../../trust/metadata/role-names.ts';
import type { Change } from '../../commit/change.ts';
import type { TreeConfig } from '../../config.ts';
import type { Signer } from '../../keys/public/signer.ts';
import { DEV_PATHS, DEV_ROLE, isDevEnvironment } from '../../metadata/environment-classes.ts';
import type { RoleContent } from '../../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { RESTORE_TIMESTAMP } from '../../repository/explained.ts';
import { dateOfMissing, isMissing, type TreePlace } from '../../repository/stored-files.ts';
import { keyMap } from './initial-root.ts';

/**
 * The first targets of a tree: one role for each environment, and one that all short-lived
 * environments share, all without a release. The operator's key signs for all of them. Targets
 * itself is signed by the key that root lists for it.
 */
export function firstChange(environments: readonly string[], operator: Signer): Change {
  const delegated = firstRoles(environments).map((name) => delegation(name, operator));
  const targets: RoleContent = {
    _type: 'targets',
    targets: {},
    'x-key-names': { [operator.keyId]: 'operator' },
    delegations: { keys: keyMap([operator]), roles: delegated },
  };
  const empty: RoleContent = { _type: 'targets', targets: {} };
  const roles = new Map([['targets', targets]]);
  for (const { name } of delegated) roles.set(name, empty);
  return { blobs: [], roles };
}

interface Delegation {
  readonly name: string;
  readonly keyids: readonly string[];
  readonly threshold: number;
  readonly terminating: true;
  readonly paths: readonly string[];
}

/** The delegated roles of a new tree. */
export function firstRoles(environments: readonly string[]): string[] {
  const own = environments.filter((environment) => !isDevEnvironment(environment));
  return [...own.map(environmentRole), DEV_ROLE];
}

function delegation(name: string, signer: Signer): Delegation {
  const paths = name === DEV_ROLE ? DEV_PATHS : [environmentPaths(name.slice('env-'.length))];
  return { name, keyids: [signer.keyId], threshold: 1, terminating: true, paths };
}

/** A tree that has only a root. Throws ALREADY_INITIALIZED when a timestamp exists. */
export async function readEmptyTree(
  place: TreePlace,
  root: Metadata<Root>,
): Promise<VerifiedMetadata> {
  const serverDate = await assertNoTimestamp(place);
  return {
    root,
    targets: undefined,
    snapshot: undefined,
    timestampVersion: 0,
    etag: undefined,
    serverDate,
    environments: new Map(),
    roles: new Map(),
    files: new Map(),
    expires: { root: root.signed.expires },
    expired: [],
  };
}

/** Returns S3's clock, where its answer has it. Throws ALREADY_INITIALIZED. */
export async function assertNoTimestamp({ bucket, tree }: TreePlace): Promise<number | undefined> {
  const key = metadataKey(tree, 'timestamp.json');
  try {
    await bucket.get(key, { maxBytes: 64 * 1024 });
  } catch (error) {
    if (isMissing(error)) return dateOfMissing(error);
    throw error;
  }
  throw new CodedError(`s3://${bucket.name}/${tree} has signed metadata already`, {
    code: 'ALREADY_INITIALIZED',
    next: 'mm releases, or choose another --tree',
    details: { key },
  });
}

/**
 * Who writes to the bucket can delete timestamp.json. A tree that began again at version 1, without
 * a release, would be refused by every host that has seen the first one. Throws
 * ALREADY_INITIALIZED.
 */
export async function requireNoTree(
  { bucket, tree }: TreePlace,
  { stateDirectory }: Pick<TreeConfig, 'stateDirectory'>,
): Promise<void> {
  const hasSeen = readKept(join(stateDirectory, 'trust')).files.has('timestamp.json');
  const trace = hasSeen
    ? 'this machine has verified it before'
    : await traceOf({ bucket, tree }, [metadataKey(tree, '2.root.json'), blobPrefix(tree)]);
  if (trace === undefined) return;
  const url = `s3://${bucket.name}/${metadataKey(tree, 'timestamp.json')}`;
  throw new CodedError(`${url} was deleted: ${trace}; nothing was changed`, {
    code: 'ALREADY_INITIALIZED',
    next: `${RESTORE_TIMESTAMP}; or choose another --tree`,
  });
}

/**
 * A release, or a second root: no interrupted `mm init` leaves them. Undefined without permission
 * to list.
 */
async function traceOf(
  { bucket }: TreePlace,
  prefixes: readonly string[],
): Promise<string | undefined> {
  try {
    for (const prefix of prefixes) {
      for await (const { key } of bucket.list(prefix)) {
        return `s3://${bucket.name}/${printable(key, 300)} belongs to it`;
      }
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return undefined;
}
