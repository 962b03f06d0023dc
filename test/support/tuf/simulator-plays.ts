import type { ErrorCode } from '../../../shared/coded-error.ts';
import { environmentRole } from '../../../trust/metadata/role-names.ts';
import { SIMULATED_NOW, TufSimulator } from './simulator.ts';
import { DAY_MS, type MetaJson, type RootDocument } from './simulator-documents.ts';
import type { SimulatedHost } from './simulator-host.ts';
import { keyTable, newKey, type SimulatedKey, signDocument } from './simulator-keys.ts';

/**
 * What a thief finds: the host has taken stable 1.1.0, and 1.2.0 with new versions of every role
 * was published honestly since. `seen` and `earlier` are the bucket as the host saw it last, and as
 * it was before that.
 */
export interface Scene {
  readonly repository: TufSimulator;
  readonly host: SimulatedHost;
  readonly seen: ReadonlyMap<string, Buffer>;
  readonly earlier: ReadonlyMap<string, Buffer>;
}

export interface Attack {
  readonly play: (scene: Scene) => void;
  readonly code: ErrorCode;
  /** The role that the host reports as expired. */
  readonly role?: string;
  /** The attack includes a genuine root: the host keeps it, and nothing else. */
  readonly newRoot?: true;
  /** An honest bucket alone does not end the attack. */
  readonly lasting?: true;
  /** The host has no stored state, only the files of its package. */
  readonly fresh?: true;
}

/* What thieves do: the building blocks of the attack table. */

export function put(repository: TufSimulator, file: string, bytes: Buffer | string): void {
  repository.files.set(file, Buffer.from(bytes));
}

/** The file of a role's newest version. */
export function newest(repository: TufSimulator, role: string): string {
  const { root, targets, snapshot } = repository;
  const document = { root, targets, snapshot }[role] ?? repository.roles.get(role);
  return role === 'timestamp' ? 'timestamp.json' : `${document!.version}.${role}.json`;
}

export function forge(repository: TufSimulator, file: string): void {
  const text = repository.files.get(file)!.toString();
  put(repository, file, text.replace(/"expires":"204/, '"expires":"205'));
}

export function parse(bytes: Buffer): { signed: { meta: Record<string, MetaJson> } } {
  return JSON.parse(bytes.toString());
}

export function listed(files: ReadonlyMap<string, Buffer>, file: string, role: string): MetaJson {
  return parse(files.get(file)!).signed.meta[`${role}.json`]!;
}

/** The newest file whose name ends so. */
export function find(files: ReadonlyMap<string, Buffer>, end: string): Buffer {
  return [...files].filter(([name]) => name.endsWith(end)).at(-1)![1];
}

export function dropStable({ repository }: { readonly repository: TufSimulator }): void {
  delete repository.snapshot.meta['env-stable.json'];
  repository.commit();
}

/** Lists the newest file of one environment's role as the newest one of another. */
export function exchange(repository: TufSimulator, from: string, to: string): void {
  const [source, target] = [environmentRole(from), environmentRole(to)];
  const { version } = repository.role(from);
  put(repository, `${version}.${target}.json`, find(repository.files, `.${source}.json`));
  const { meta } = repository.snapshot;
  meta[`${target}.json`] = meta[`${source}.json`]!;
  repository.commit();
}

export function longAgo(repository: TufSimulator, write: () => void): void {
  repository.now = SIMULATED_NOW - 400 * DAY_MS;
  write();
  repository.now = SIMULATED_NOW;
}

export function otherTree({ treeId }: TufSimulator, keys: TufSimulator['keys']): TufSimulator {
  const other = new TufSimulator({ treeId: `${treeId}-other`, keys });
  other.publish('stable', '6.6.6');
  for (const version of ['6.6.7', '6.6.8', '6.6.9']) other.publish('stable', version);
  return other;
}

export function putRoot(
  repository: TufSimulator,
  version: number,
  by: 'old' | 'new' | 'both',
): void {
  const people = [newKey(), newKey()];
  const root: RootDocument = structuredClone(repository.root);
  root.version = version;
  Object.assign(root.keys, keyTable(people));
  root.roles.root = { keyids: people.map(({ keyId }) => keyId), threshold: 2 };
  const old = by === 'new' ? [] : repository.keys.root;
  put(repository, '2.root.json', signDocument(root, [...old, ...(by === 'old' ? [] : people)]));
}

export function doubleRootKey(
  repository: TufSimulator,
  alias: (key: SimulatedKey) => SimulatedKey,
): void {
  const [key] = repository.keys.root;
  const twin = alias(key!);
  repository.rotateRoot(
    (roles) => {
      roles.root.keyids = [key!.keyId, twin.keyId];
      roles.targets.keyids = [key!.keyId, twin.keyId];
    },
    [twin],
  );
  repository.commit();
}
