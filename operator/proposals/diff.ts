import { createHash } from 'node:crypto';
import { canonicalize } from '@tufjs/canonical-json';
import { asciiJson } from '../../shared/clean-text.ts';
import { isJsonObject, type JsonObject } from '../../shared/json.ts';
import { roleWord } from '../../trust/metadata/role-names.ts';
import { isTopLevel } from '../metadata/delegation.ts';
import { documentOf, type VerifiedMetadata } from '../metadata/verified.ts';
import type { ProposedDocument } from './file.ts';
import { invalidProposal } from './invalid-proposal.ts';

/** A value of a document that differs from the one in the bucket. */
export interface DocumentChange {
  readonly role: string;
  /** `targets["stable/current"].hashes.sha256` */
  readonly path: string;
  /** JSON in ASCII. Null: the value is removed. */
  readonly now: string | null;
  /** JSON in ASCII. Null: there was no value. */
  readonly was: string | null;
}

/** Long enough for `x-proposal`, which names every role of a proposal. */
const MAX_LINE = 16 * 1024;
const MAX_LINES = 5000;
/** Removed values of one document that a person does not read one by one. */
const MANY = 500;

/**
 * Every value that would be signed and that is not in the bucket now, and every value that would no
 * longer be. Throws PROPOSAL_INVALID when it is too much to show: people must only sign what they
 * can see.
 */
export function diffDocuments(
  verified: VerifiedMetadata,
  documents: readonly ProposedDocument[],
): DocumentChange[] {
  const changes = documents.flatMap(({ role, signed }) =>
    diff(role, documentOf(verified, role), signed),
  );
  const { shown } = folded(changes);
  if (shown.length > MAX_LINES) {
    throw invalidProposal(
      `${shown.length} values change: wanted at most ${MAX_LINES}, so that a person can read them`,
      undefined,
      'propose it in several parts, and have the first one committed before the next',
    );
  }
  const long = shown.find((each) => lineOf(each).length > MAX_LINE);
  if (long !== undefined) {
    const path = long.path.slice(0, 200);
    throw invalidProposal(
      `${long.role}: ${path} is too long to be shown: wanted at most ${MAX_LINE} characters`,
    );
  }
  return changes;
}

/** Each document has a heading, and each of its changes a line: the new value first. */
export function diffLines(changes: readonly DocumentChange[]): string[] {
  const { shown, removed } = folded(changes);
  const roles = new Set(changes.map(({ role }) => role));
  return [...roles].flatMap((role) => [
    heading(role),
    ...shown.filter((each) => each.role === role).map(lineOf),
    ...removedLine(removed.filter((each) => each.role === role)),
  ]);
}

/**
 * The holder of a stolen key may have signed more and longer values than a person can read, and
 * must not prevent their removal. `removed` becomes one line for each document. Root and targets
 * are always shown whole: who may sign must not be hidden behind other removals.
 */
function folded(changes: readonly DocumentChange[]): {
  readonly shown: readonly DocumentChange[];
  readonly removed: readonly DocumentChange[];
} {
  const gone = changes.filter(({ role, now }) => now === null && !isTopLevel(role));
  const byRole = Map.groupBy(gone, ({ role }) => role);
  const isLarge = ({ role }: DocumentChange) => (byRole.get(role)?.length ?? 0) > MANY;
  const isMany = changes.length > MAX_LINES;
  const removed = new Set(
    gone.filter((each) => (isMany && isLarge(each)) || lineOf(each).length > MAX_LINE),
  );
  return { shown: changes.filter((each) => !removed.has(each)), removed: [...removed] };
}

/** Two signers compare the digest: with the same one they agree to the same removal. */
function removedLine(removed: readonly DocumentChange[]): string[] {
  if (removed.length === 0) return [];
  const list = removed.map(({ path, was }) => [path, was]);
  const digest = sha256Of(canonicalize(list));
  return [`  ${removed.length} values: removed, sha256 ${digest} of the list; --json shows each`];
}

/** Must name the role itself, too: two roles can have the same word after a recovery. */
function heading(role: string): string {
  const word = roleWord(role);
  return word === role ? `signed in ${role}:` : `signed in ${word} (role ${role}):`;
}

/** The new value whole. An old one that is too long is signed already. */
function lineOf({ path, now, was }: DocumentChange): string {
  const line = `  ${path}: ${now ?? 'removed'} (was ${was ?? 'absent'})`;
  if (now === null || was === null || line.length <= MAX_LINE) return line;
  return `  ${path}: ${now} (was ${was.length} characters, sha256 ${sha256Of(was)})`;
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function diff(role: string, before: JsonObject | undefined, after: JsonObject): DocumentChange[] {
  const old = new Map(before === undefined ? [] : leaves(before, ''));
  const next = new Map(leaves(after, ''));
  const changed = [...next]
    .filter(([path, now]) => old.get(path) !== now)
    .map(([path, now]) => ({ role, path, now, was: old.get(path) ?? null }));
  const removed = [...old]
    .filter(([path]) => !next.has(path))
    .map(([path, was]) => ({ role, path, now: null, was }));
  return [...changed, ...removed];
}

/** Path and JSON of every value without parts. An empty object or list counts as a value. */
function leaves(value: unknown, path: string): [path: string, json: string][] {
  if (Array.isArray(value) && value.length > 0) {
    return value.flatMap((each, index) => leaves(each, `${path}[${index}]`));
  }
  if (isJsonObject(value) && Object.keys(value).length > 0) {
    const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.flatMap(([name, each]) => leaves(each, joined(path, name)));
  }
  return [[path, asciiJson(value)]];
}

/** Two places never have the same path: names with other characters are quoted. */
function joined(path: string, name: string): string {
  if (!/^[\w-]+$/.test(name)) return `${path}[${asciiJson(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}
