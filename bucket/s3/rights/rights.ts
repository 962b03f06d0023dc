import { randomBytes } from 'node:crypto';
import {
  binaryPrefix,
  blobKey,
  blobPrefix,
  hostFactsKey,
  hostStatusKey,
  manifestPrefix,
  metadataKey,
  metadataPrefix,
  snapshotPrefix,
  statusPrefix,
} from '../../layout.ts';
import { knownBlob } from './known-blob.ts';
import type { Store } from './store.ts';
import { type Tried, tryList, tryRead, tryRemove, tryWrite } from './trials.ts';

/** The holder that the credentials should have. */
export type Role = 'machine' | 'publisher' | 'reader' | 'reporter' | 'cleaner';

/** What is known about the bucket beforehand. */
export interface RightsContext {
  readonly tree: string;
  readonly certname: string;
  /** Whether somebody said that this host has a status in the bucket. */
  readonly hasStatus: boolean;
  readonly otherTree: string;
  /** Whether somebody said that this tree is in the bucket. */
  readonly hasOtherTree: boolean;
}

export interface Right {
  readonly name: string;
  readonly action: 's3:GetObject' | 's3:PutObject' | 's3:DeleteObject' | 's3:ListBucket';
  /** The object key or the prefix that was tried. */
  readonly key: string;
  /** Who may have it. */
  readonly may: readonly Role[];
  readonly tried: Tried;
  /** How a refusal could be proven, where no object is known. */
  readonly proof?: string;
}

const WITH_RELEASES = ['machine', 'reader', 'reporter', 'publisher'] as const;
const WITH_STATUS = ['reader', 'reporter'] as const;

/** Tries every right that a policy of the tree is about. Lists first: they show objects to read. */
export async function tryRights(store: Store, context: RightsContext): Promise<readonly Right[]> {
  const lists = await tryLists(store, context);
  const keyOf = (name: string) => lists.find((each) => each.name === name)?.listed;
  return [
    ...(await tryReads(store, context, {
      binary: keyOf('list binaries'),
      status: keyOf('list status'),
    })),
    ...lists,
    ...(await tryWrites(store, context)),
    ...(await tryRemovals(store, context)),
  ];
}

async function tryLists(
  store: Store,
  { tree, otherTree }: RightsContext,
): Promise<(Right & { readonly listed: string | undefined })[]> {
  const lists = {
    'list releases': { prefix: manifestPrefix(tree), may: ['publisher'] },
    'list binaries': { prefix: binaryPrefix(tree), may: ['publisher'] },
    'list status': { prefix: statusPrefix(tree), may: WITH_STATUS },
    'list another tree': { prefix: `${otherTree}/`, may: [] },
    'list the whole bucket': { prefix: '', may: [] },
  } as const;
  const rights = [];
  for (const [name, { prefix, may }] of Object.entries(lists)) {
    const tried = await tryList(store, prefix);
    const listed = 'key' in tried ? tried.key : undefined;
    rights.push({ name, action: 's3:ListBucket', key: prefix, may, tried, listed } as const);
  }
  return rights;
}

async function tryReads(
  store: Store,
  { tree, certname, hasStatus, otherTree, hasOtherTree }: RightsContext,
  listed: { readonly binary: string | undefined; readonly status: string | undefined },
): Promise<Right[]> {
  const blob = await knownBlob(store, tree);
  const status = listed.status ?? hostStatusKey(tree, certname);
  const reads = [
    // Every tree has this object, so a refusal always proves that the right is missing.
    ['read metadata', metadataKey(tree, 'timestamp.json'), true, WITH_RELEASES, ''],
    [
      'read a tarball',
      blob ?? blobKey(tree, '0'.repeat(64)),
      blob !== undefined,
      WITH_RELEASES,
      'publish a release, and try again',
    ],
    [
      'read binaries',
      listed.binary ?? `${binaryPrefix(tree)}${unused()}`,
      listed.binary !== undefined,
      ['machine', 'publisher'],
      'no binary is known to these credentials: try to read one that exists',
    ],
    [
      'read status',
      status,
      listed.status !== undefined || hasStatus,
      WITH_STATUS,
      '--certname NAME, of a host that has a status in the bucket',
    ],
    [
      'read another tree',
      metadataKey(otherTree, 'timestamp.json'),
      hasOtherTree,
      [],
      '--other-tree NAME, of a tree that is in the bucket',
    ],
  ] as const;
  const rights: Right[] = [];
  for (const [name, key, isThere, may, proof] of reads) {
    const tried = await tryRead(store, key, isThere);
    rights.push({ name, action: 's3:GetObject', key, may, tried, proof });
  }
  return rights;
}

async function tryWrites(
  store: Store,
  { tree, certname, otherTree }: RightsContext,
): Promise<Right[]> {
  const writes = [
    ['write metadata', `${metadataPrefix(tree)}${unused()}`, ['publisher']],
    ['write tarballs', `${blobPrefix(tree)}${unused()}`, ['publisher']],
    ['write binaries', `${binaryPrefix(tree)}${unused()}`, ['publisher']],
    ['write the snapshot', `${snapshotPrefix(tree)}${unused()}`, ['reporter']],
    ['write to another tree', metadataKey(otherTree, unused()), []],
    [OTHERS_STATUS, hostStatusKey(tree, unused()), ['machine']],
    ['write the status of this host', hostStatusKey(tree, certname), ['machine']],
    ['write the facts of this host', hostFactsKey(tree, certname), ['machine']],
  ] as const;
  const rights: Right[] = [];
  let isSafe = true;
  for (const [name, key, may] of writes) {
    const tried: Tried = isSafe ? await tryWrite(store, key) : NOT_TRIED;
    // The store has just written an object to an unused key. The last keys are those of a real
    // host, so they are not tried then.
    if (tried.answer.startsWith('written')) isSafe = false;
    rights.push({ name, action: 's3:PutObject', key, may, tried });
  }
  return rights;
}

/** Depends on how hosts get their credentials. */
export const OTHERS_STATUS = 'write the status of another host';

const NOT_TRIED: Tried = {
  found: 'unclear',
  answer: 'not tried, because the store would write the object',
};

async function tryRemovals(store: Store, { tree, otherTree }: RightsContext): Promise<Right[]> {
  const removals = [
    ['remove metadata', `${metadataPrefix(tree)}${unused()}`, []],
    ['remove tarballs', `${blobPrefix(tree)}${unused()}`, ['cleaner']],
    ['remove binaries', `${binaryPrefix(tree)}${unused()}`, ['cleaner']],
    ['remove status', hostStatusKey(tree, unused()), ['cleaner']],
    ['remove from another tree', metadataKey(otherTree, unused()), []],
  ] as const;
  const rights: Right[] = [];
  for (const [name, key, may] of removals) {
    const tried = await tryRemove(store, key);
    rights.push({ name, action: 's3:DeleteObject', key, may, tried });
  }
  return rights;
}

/** A name that no object has. */
function unused(): string {
  return `policy-check-${randomBytes(8).toString('hex')}`;
}
