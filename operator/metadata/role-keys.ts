import { canonicalize } from '@tufjs/canonical-json';
import type { Metadata, Targets } from '@tufjs/models';
import { CodedError } from '../../shared/coded-error.ts';
import { counted } from '../../shared/counted.ts';
import { type JsonObject, jsonObject } from '../../shared/json.ts';
import { roleWord } from '../../trust/metadata/role-names.ts';
import type { Keyring } from '../keys/keyring.ts';
import { isSignedBy } from '../keys/public/public-key.ts';
import type { TufKey } from '../keys/public/signer.ts';
import { coveredBy } from './environment-classes.ts';
import { messageOf, type RoleContent } from './signed-file.ts';
import { contentOf, rootContentOf, type VerifiedMetadata } from './verified.ts';

/**
 * Names of keys by key id. They are stored beside the keys in root and targets: signed, but not
 * part of the TUF specification.
 */
const NAMES = 'x-key-names';

/** The keys that may sign for a role, according to the signed metadata. */
export interface RoleEntry {
  /** TUF's name: `root`, `env-stable`. */
  readonly role: string;
  readonly keyIds: readonly string[];
  readonly threshold: number;
  /** Environments and patterns such as `dev_*`; none for the roles that root lists. */
  readonly covers: readonly string[];
}

export interface NamedKey {
  readonly keyId: string;
  readonly name: string;
  readonly publicKey: TufKey;
}

/** The change to make in the keys of a role. */
export interface RoleEdit {
  readonly add: readonly NamedKey[];
  /** Key ids. */
  readonly remove: readonly string[];
  readonly threshold?: number | undefined;
}

/** Root and targets. Together they list every key and every role. */
interface Contents {
  readonly root: RoleContent;
  readonly targets: RoleContent | undefined;
}

function contentsOf(verified: VerifiedMetadata): Contents {
  const { root, targets } = verified;
  return { root: rootContentOf(root), targets: targets && contentOf(targets) };
}

/** Every role of the tree: first the roles that root lists, then the delegated ones. */
export function roleEntries(verified: VerifiedMetadata): RoleEntry[] {
  const { root, targets } = contentsOf(verified);
  return [...rootEntries(root), ...targetsEntries(targets)];
}

/** The keys that the metadata lists, with their names. */
export function listedKeys(verified: VerifiedMetadata): NamedKey[] {
  const { root, targets } = contentsOf(verified);
  const delegations = jsonObject(targets?.['delegations']);
  const names = { ...jsonObject(targets?.[NAMES]), ...jsonObject(root[NAMES]) };
  const keys = { ...jsonObject(delegations['keys']), ...jsonObject(root['keys']) };
  return Object.entries(keys).map(([keyId, key]) => ({
    keyId,
    name: String(names[keyId] ?? ''),
    publicKey: key as TufKey,
  }));
}

/** Those of the keys whose signatures over the document are valid. Anyone can add others to it. */
export function signersAmong<K extends Pick<NamedKey, 'keyId' | 'publicKey'>>(
  document: Metadata<Targets>,
  keys: readonly K[],
): K[] {
  const message = messageOf({ signed: { ...(document.signed.toJSON() as JsonObject) } });
  return keys.filter(({ keyId, publicKey }) => {
    const { sig } = jsonObject(document.signatures[keyId]?.toJSON());
    return typeof sig === 'string' && isSignedBy(publicKey, message, Buffer.from(sig, 'hex'));
  });
}

/** Whether a key of this machine signed the document. */
export function isOwn(document: Metadata<Targets>, { signers }: Keyring): boolean {
  return signersAmong(document, signers).length > 0;
}

/** The documents that a change of keys affects. */
export interface KeyChange {
  readonly root?: RoleContent | undefined;
  /** `targets`, or nothing. */
  readonly roles: ReadonlyMap<string, RoleContent>;
}

/**
 * Root and targets with other keys; only the documents that change. Throws THRESHOLD_UNMET when a
 * role would have fewer keys than its threshold.
 */
export function editKeys(
  verified: VerifiedMetadata,
  edits: ReadonlyMap<string, RoleEdit>,
): KeyChange {
  const contents = contentsOf(verified);
  const entries = roleEntries(verified).map((entry) => edited(entry, edits.get(entry.role)));
  const added = [...edits.values()].flatMap(({ add }) => add);
  const names = Object.fromEntries(
    [...listedKeys(verified), ...added].map((key) => [key.keyId, key.name]),
  );
  const keys = Object.fromEntries(
    [...listedKeys(verified), ...added].map((key) => [key.keyId, key.publicKey]),
  );
  const of = (role: string) => entries.find((entry) => entry.role === role);
  const root = withRootKeys(contents.root, { of, keys, names });
  const targets = contents.targets && withTargetsKeys(contents.targets, { of, keys, names });
  const roles = new Map<string, RoleContent>();
  if (targets !== undefined && !isSame(targets, contents.targets)) roles.set('targets', targets);
  return { roles, ...(isSame(root, contents.root) ? {} : { root }) };
}

interface Wanted {
  of(role: string): RoleEntry | undefined;
  readonly keys: Readonly<Record<string, TufKey>>;
  readonly names: Readonly<Record<string, string>>;
}

function withRootKeys(root: RoleContent, wanted: Wanted): RoleContent {
  const roles = Object.fromEntries(
    Object.entries(jsonObject(root['roles'])).map(([role, value]) => [
      role,
      withEntry(jsonObject(value), wanted.of(role)),
    ]),
  );
  const used = rootEntries({ ...root, roles }).flatMap(({ keyIds }) => keyIds);
  const names = { ...jsonObject(root[NAMES]), ...pick(wanted.names, used) };
  return { ...root, roles, keys: pick(wanted.keys, used), ...namesField(names, used) };
}

function withTargetsKeys(targets: RoleContent, wanted: Wanted): RoleContent {
  const delegations = jsonObject(targets['delegations']);
  const listed = Array.isArray(delegations['roles']) ? delegations['roles'].map(jsonObject) : [];
  const roles = listed.map((role) => withEntry(role, wanted.of(String(role['name']))));
  const used = roles.flatMap((role) => role['keyids'] as string[]);
  const names = { ...jsonObject(targets[NAMES]), ...pick(wanted.names, used) };
  const keys = pick(wanted.keys, used);
  return { ...targets, delegations: { ...delegations, keys, roles }, ...namesField(names, used) };
}

function withEntry(role: JsonObject, entry: RoleEntry | undefined): JsonObject {
  if (entry === undefined) return role;
  return { ...role, keyids: [...entry.keyIds], threshold: entry.threshold };
}

function namesField(names: JsonObject, used: readonly string[]): JsonObject {
  const named = Object.entries(pick(names, used)).filter(([, name]) => name !== '');
  return { [NAMES]: Object.fromEntries(named) };
}

/** Keeps the order of the object, so that unchanged entries keep their place. */
function pick<T>(all: Readonly<Record<string, T>>, used: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([keyId]) => used.includes(keyId)));
}

function edited(entry: RoleEntry, edit: RoleEdit | undefined): RoleEntry {
  if (edit === undefined) return entry;
  const kept = entry.keyIds.filter((keyId) => !edit.remove.includes(keyId));
  const added = edit.add.map(({ keyId }) => keyId).filter((keyId) => !kept.includes(keyId));
  const keyIds = [...kept, ...added];
  const threshold = edit.threshold ?? entry.threshold;
  if (threshold >= 1 && threshold <= keyIds.length) return { ...entry, keyIds, threshold };
  throw new CodedError(
    `${roleWord(entry.role)} would need ${threshold} of ${counted(keyIds.length, 'key')}`,
    {
      code: 'THRESHOLD_UNMET',
      next: 'add a key in the same command, or choose another --threshold',
      details: { role: entry.role, threshold, keys: keyIds.length },
    },
  );
}

function rootEntries(root: RoleContent): RoleEntry[] {
  return Object.entries(jsonObject(root['roles'])).map(([role, value]) =>
    entryOf(role, jsonObject(value)),
  );
}

function targetsEntries(targets: RoleContent | undefined): RoleEntry[] {
  const { roles } = jsonObject(targets?.['delegations']) as { roles?: unknown };
  return (Array.isArray(roles) ? roles.map(jsonObject) : []).map((role) =>
    entryOf(String(role['name']), role),
  );
}

function entryOf(role: string, { keyids, threshold, paths }: JsonObject): RoleEntry {
  const covers = coveredBy(Array.isArray(paths) ? paths.map(String) : []);
  return { role, keyIds: keyids as readonly string[], threshold: Number(threshold), covers };
}

function isSame(a: RoleContent, b: RoleContent | undefined): boolean {
  const withoutEmpty = (content: RoleContent) => {
    const names = jsonObject(content[NAMES]);
    const { [NAMES]: _, ...rest } = content;
    return Object.keys(names).length === 0 ? rest : content;
  };
  return b !== undefined && canonicalize(withoutEmpty(a)) === canonicalize(withoutEmpty(b));
}

/**
 * Ids of the keys that a root file lists, without verifying its signatures. Empty when the file is
 * not a root.
 */
export function keyIdsIn(rootFile: string): string[] {
  try {
    return Object.keys(jsonObject(jsonObject(jsonObject(JSON.parse(rootFile))['signed'])['keys']));
  } catch {
    return [];
  }
}
