import { Key, MetaFile, Snapshot, TargetFile, Targets, ValueError } from '@tufjs/models';
import { Delegations } from '@tufjs/models/dist/delegations.js';
import { DelegatedRole } from '@tufjs/models/dist/role.js';
import { coversPath } from '../metadata/path-pattern.ts';

/*
 * The library copies the whole map for each entry of a snapshot or of a targets document, and for
 * each key and role of its delegations, whenever it reads the document or verifies a signature. A
 * thief of an online key can sign a snapshot with 11,000 entries. Such a snapshot cost a host 20
 * seconds of CPU in each poll, and mm several minutes. Importing this file replaces the functions
 * of the library by linear ones with the same results. A root needs none: inspect.ts limits its
 * keys.
 *
 * It also reads the paths of a delegation as patterns of a shell: one with 20 braces or stars cost
 * seconds, for each role and each target. Here they are patterns of TUF.
 */

/** The check of the library. Other values are passed to the library, which refuses them. */
function isRecord(value: unknown): value is Readonly<Record<string, object>> {
  const isObject = (each: unknown) => typeof each === 'object' && each !== null;
  return isObject(value) && Object.values(value as object).every(isObject);
}

function mapped<T, U>(record: Readonly<Record<string, T>>, map: (value: T, key: string) => U) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}

const readSnapshot = Snapshot.fromJSON;
Snapshot.fromJSON = (data) => {
  const { meta } = data;
  if (!isRecord(meta)) return readSnapshot(data);
  const files = mapped(meta, (entry) => MetaFile.fromJSON({ ...entry }));
  return Object.assign(readSnapshot({ ...data, meta: {} }), { meta: files });
};

const snapshotToJson = Snapshot.prototype.toJSON;
Snapshot.prototype.toJSON = function () {
  const shell = Object.assign(Object.create(Snapshot.prototype), this, { meta: {} });
  return { ...snapshotToJson.call(shell), meta: mapped(this.meta, (entry) => entry.toJSON()) };
};

const readTargets = Targets.fromJSON;
Targets.fromJSON = (data) => {
  const { targets } = data;
  if (!isRecord(targets)) return readTargets(data);
  const files = mapped(targets, (entry, path) => TargetFile.fromJSON(path, { ...entry }));
  return Object.assign(readTargets({ ...data, targets: {} }), { targets: files });
};

const targetsToJson = Targets.prototype.toJSON;
Targets.prototype.toJSON = function () {
  const shell = Object.assign(Object.create(Targets.prototype), this, { targets: {} });
  const targets = mapped(this.targets, (entry) => entry.toJSON());
  return { ...targetsToJson.call(shell), targets };
};

const readDelegations = Delegations.fromJSON;
Delegations.fromJSON = (data) => {
  const { keys, roles } = data;
  if (!isRecord(keys) || !(roles === undefined || Array.isArray(roles))) {
    return readDelegations(data);
  }
  const shell = readDelegations({ ...data, keys: {}, ...(roles && { roles: [] }) });
  const read = mapped(keys, (key, keyId) => Key.fromJSON(keyId, { ...key }));
  // One by one: each of them passes the checks of the library.
  const found = roles?.map((role) => readDelegations({ keys: {}, roles: [role] }).roles ?? {});
  const named = found?.flatMap((each) => Object.entries(each));
  const byName = named && Object.fromEntries(named);
  const isDistinct = Object.keys(byName ?? {}).length === (named?.length ?? 0);
  if (!isDistinct) throw new ValueError('a role is delegated twice');
  return Object.assign(shell, { keys: read, ...(byName && { roles: byName }) });
};

const delegationsToJson = Delegations.prototype.toJSON;
Delegations.prototype.toJSON = function () {
  const shell = Object.assign(Object.create(Delegations.prototype), this, { keys: {} });
  return { ...delegationsToJson.call(shell), keys: mapped(this.keys, (key) => key.toJSON()) };
};

const isDelegatedPath = DelegatedRole.prototype.isDelegatedPath;
DelegatedRole.prototype.isDelegatedPath = function (path) {
  if (this.paths === undefined) return isDelegatedPath.call(this, path);
  return this.paths.some((pattern) => coversPath(pattern, path));
};
