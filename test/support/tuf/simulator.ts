import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bucket } from '../../../bucket/bucket.ts';
import type { ReleaseCustom } from '../../../bucket/documents/release.ts';
import { blobKey, metadataKey } from '../../../bucket/layout.ts';
import {
  environmentPaths,
  environmentRole,
  type ReleaseSlot,
  releaseTarget,
} from '../../../trust/metadata/role-names.ts';
import {
  DAY_MS,
  instant,
  type MetaJson,
  type RootDocument,
  releaseCustom,
  type SnapshotDocument,
  type TargetsDocument,
  type TimestampDocument,
} from './simulator-documents.ts';
import { keyTable, newKey, type SimulatedKey, sha256, signDocument } from './simulator-keys.ts';
import { SimulatedSource } from './simulator-source.ts';

/**
 * Ahead of the clock of any machine, so that tests notice code that uses it instead of the guarded
 * clock.
 */
export const SIMULATED_NOW = Date.UTC(2040, 0, 1);

/** Days to expiry, as docs/trust.md gives them for CI, "How long signatures hold". */
const LIFETIME_DAYS = { root: 365, targets: 365, snapshot: 365, timestamp: 14, environment: 180 };

export interface TreeKeys {
  /** Threshold 2; the same people sign targets. */
  readonly root: readonly SimulatedKey[];
  /** Signs snapshot and timestamp. */
  readonly online: SimulatedKey;
  /** Signs every environment but `testing`. */
  readonly release: SimulatedKey;
  /** Signs `testing`. */
  readonly ci: SimulatedKey;
}

export function newTreeKeys(): TreeKeys {
  const root = [newKey(), newKey(), newKey()];
  return { root, online: newKey(), release: newKey(), ci: newKey() };
}

export interface SimulatorOptions {
  readonly treeId?: string;
  readonly environments?: readonly string[];
  readonly keys?: TreeKeys;
}

export interface ReleaseChange {
  readonly slot?: ReleaseSlot;
  readonly bytes?: Buffer;
  readonly custom?: Partial<ReleaseCustom>;
}

/**
 * A TUF repository in memory, with its keys. What it publishes is honest. An attack changes
 * documents, signers or files, and writes them. With MM_TEST_DUMP=<dir> each committed state is
 * written to that directory.
 */
export class TufSimulator {
  /** The content of the bucket, by file name. */
  files = new Map<string, Buffer>();
  readonly blobs = new Map<string, Buffer>();
  readonly source: SimulatedSource;
  readonly keys: TreeKeys;
  readonly treeId: string;
  /** ms since 1970: expiries are relative to it. */
  now = SIMULATED_NOW;
  root: RootDocument;
  targets: TargetsDocument;
  snapshot: SnapshotDocument;
  timestamp: TimestampDocument;
  /** By role name. */
  readonly roles = new Map<string, TargetsDocument>();
  /** Who signs a role, by role name. */
  readonly signers = new Map<string, readonly SimulatedKey[]>();

  constructor(options: SimulatorOptions = {}) {
    this.treeId = options.treeId ?? 'acme-test/ubuntu';
    this.keys = options.keys ?? newTreeKeys();
    this.source = new SimulatedSource(() => this.files);
    const { root, online, release, ci } = this.keys;
    this.root = this.#newRoot();
    this.targets = { ...this.#common('targets'), _type: 'targets', targets: {} };
    this.targets.delegations = { keys: {}, roles: [] };
    this.snapshot = { ...this.#common('snapshot'), _type: 'snapshot', meta: {} };
    this.timestamp = {
      ...this.#common('timestamp'),
      _type: 'timestamp',
      meta: { 'snapshot.json': { version: 0 } },
    };
    for (const role of ['root', 'targets']) this.signers.set(role, root);
    for (const role of ['snapshot', 'timestamp']) this.signers.set(role, [online]);
    for (const environment of options.environments ?? ['stable', 'testing']) {
      this.delegate(environment, environment === 'testing' ? ci : release);
    }
    this.writeRoot();
    this.commit(['targets', ...this.roles.keys()]);
  }

  /**
   * Gives an environment its own role. Takes effect with the next commit of `targets` and that
   * role.
   */
  delegate(environment: string, ...keys: SimulatedKey[]): void {
    const name = environmentRole(environment);
    const { delegations } = this.targets;
    Object.assign(delegations!.keys, keyTable(keys));
    delegations!.roles = delegations!.roles.filter((role) => role.name !== name);
    delegations!.roles.push({
      name,
      keyids: keys.map(({ keyId }) => keyId),
      threshold: 1,
      terminating: true,
      paths: [environmentPaths(environment)],
    });
    this.signers.set(name, keys);
    const document = { ...this.#common('environment'), _type: 'targets' as const, targets: {} };
    if (!this.roles.has(name)) this.roles.set(name, document);
  }

  /** Publishes a release honestly: blob, role, snapshot, timestamp. */
  publish(environment: string, version: string, change: ReleaseChange = {}): void {
    this.release(environment, version, change);
    this.commit([environmentRole(environment)]);
  }

  /** Enters a release in its role's document and writes nothing. */
  release(environment: string, version: string, change: ReleaseChange = {}): void {
    const { slot = 'current', bytes = Buffer.from(`tarball of ${environment} ${version}`) } =
      change;
    const digest = sha256(bytes);
    this.blobs.set(digest, bytes);
    this.role(environment).targets[releaseTarget(environment, slot)] = {
      length: bytes.length,
      hashes: { sha256: digest },
      custom: { ...releaseCustom(version, change.custom) },
    };
  }

  role(environment: string): TargetsDocument {
    return this.roles.get(environmentRole(environment))!;
  }

  /** Signs a new version of these roles, then of snapshot and timestamp. */
  commit(roles: readonly string[] = []): void {
    for (const role of roles) this.writeRole(role);
    this.writeSnapshot();
    this.writeTimestamp();
  }

  writeRole(name: string): void {
    const document = name === 'targets' ? this.targets : this.roles.get(name)!;
    this.#renew(document, name === 'targets' ? 'targets' : 'environment');
    const meta = this.#write(`${document.version}.${name}.json`, document, name);
    this.snapshot.meta[`${name}.json`] = meta;
  }

  writeSnapshot(): void {
    this.#renew(this.snapshot, 'snapshot');
    const file = `${this.snapshot.version}.snapshot.json`;
    this.timestamp.meta['snapshot.json'] = this.#write(file, this.snapshot, 'snapshot');
  }

  writeTimestamp(): void {
    this.#renew(this.timestamp, 'timestamp');
    this.#write('timestamp.json', this.timestamp, 'timestamp');
    const folder = process.env['MM_TEST_DUMP'];
    if (folder !== undefined)
      this.dump(join(folder, `${sha256(this.treeId).slice(0, 6)}-${process.pid}`));
  }

  writeRoot(): void {
    this.#renew(this.root, 'root');
    this.#write(`${this.root.version}.root.json`, this.root, 'root');
  }

  /**
   * A new root, signed by old and new root keys. No commit: an honest publisher commits afterwards.
   */
  rotateRoot(
    change: (roles: RootDocument['roles']) => void,
    newKeys: readonly SimulatedKey[],
  ): void {
    const old = this.signers.get('root')!;
    Object.assign(this.root.keys, keyTable(newKeys));
    change(this.root.roles);
    const used = new Set(Object.values(this.root.roles).flatMap(({ keyids }) => keyids));
    for (const id of Object.keys(this.root.keys)) if (!used.has(id)) delete this.root.keys[id];
    const people = new Set(this.root.roles.root.keyids);
    const all = [...old, ...newKeys.filter(({ keyId }) => people.has(keyId))];
    this.signers.set('root', all);
    this.writeRoot();
    this.signers.set(
      'root',
      all.filter(({ keyId }) => people.has(keyId)),
    );
  }

  /** New online keys for timestamp, snapshot or both, in a new root. */
  rotateOnline(...roles: ('timestamp' | 'snapshot')[]): SimulatedKey {
    const key = newKey();
    this.rotateRoot(
      (all) => {
        for (const role of roles) all[role].keyids = [key.keyId];
      },
      [key],
    );
    for (const role of roles) this.signers.set(role, [key]);
    return key;
  }

  /** The seeds that a package would ship if it were built now. */
  seeds(): { timestamp: Buffer; snapshot: Buffer } {
    return {
      timestamp: this.files.get('timestamp.json')!,
      snapshot: this.files.get(`${this.snapshot.version}.snapshot.json`)!,
    };
  }

  async copyTo(bucket: Bucket, tree: string): Promise<void> {
    for (const [digest, bytes] of this.blobs) await bucket.put(blobKey(tree, digest), bytes);
    for (const [file, bytes] of this.files) await bucket.put(metadataKey(tree, file), bytes);
  }

  dump(folder: string): void {
    mkdirSync(folder, { recursive: true });
    for (const [file, bytes] of this.files) {
      writeFileSync(join(folder, file), JSON.stringify(JSON.parse(bytes.toString()), null, 2));
    }
  }

  #write(file: string, document: object, role: string): MetaJson & { version: number } {
    const bytes = signDocument(document, this.signers.get(role)!);
    this.files.set(file, bytes);
    const { version } = document as { version: number };
    return { version, length: bytes.length, hashes: { sha256: sha256(bytes) } };
  }

  #renew(document: { version: number; expires: string }, kind: keyof typeof LIFETIME_DAYS): void {
    document.version += 1;
    document.expires = instant(this.now + LIFETIME_DAYS[kind] * DAY_MS);
  }

  #common(kind: keyof typeof LIFETIME_DAYS) {
    const expires = instant(this.now + LIFETIME_DAYS[kind] * DAY_MS);
    return { version: 0, expires, spec_version: '1.0.31', 'x-tree': this.treeId };
  }

  #newRoot(): RootDocument {
    const { root, online } = this.keys;
    const people = root.map(({ keyId }) => keyId);
    return {
      ...this.#common('root'),
      _type: 'root',
      consistent_snapshot: true,
      keys: keyTable([...root, online]),
      roles: {
        root: { keyids: people, threshold: 2 },
        targets: { keyids: people, threshold: 2 },
        snapshot: { keyids: [online.keyId], threshold: 1 },
        timestamp: { keyids: [online.keyId], threshold: 1 },
      },
    };
  }
}
