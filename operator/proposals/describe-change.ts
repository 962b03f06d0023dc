import { canonicalize } from '@tufjs/canonical-json';
import { printable } from '../../shared/clean-text.ts';
import { type JsonObject, jsonObject } from '../../shared/json.ts';
import { roleWord } from '../../trust/metadata/role-names.ts';
import type { Change } from '../commit/change.ts';
import { areOnlineKeysReplaced } from '../commit/versions.ts';
import { parseContent } from '../metadata/signed-file.ts';
import { contentOf, rootContentOf, type VerifiedMetadata } from '../metadata/verified.ts';

/**
 * A short summary of a change. It leaves things out: what a person agrees to is the whole diff in
 * `diff.ts`. Every text in it comes from a document that may be unsigned.
 */
export function describeChange(verified: VerifiedMetadata, { root, roles }: Change): string[] {
  const lines: string[][] = [];
  if (root !== undefined) {
    lines.push(describeRoot(rootContentOf(verified.root), root));
    if (areOnlineKeysReplaced(verified.root, parseContent(root, 'root'))) {
      lines.push([
        'every online key is replaced: versions of snapshot and timestamp can begin again',
      ]);
    }
  }
  for (const [role, given] of roles) {
    const before = role === 'targets' ? verified.targets : verified.roles.get(role);
    const current = before === undefined ? {} : contentOf(before);
    const content = withSetFields(current, given);
    lines.push(
      role === 'targets'
        ? describeTargets(current, content)
        : describeReleases(role, current, content),
    );
  }
  // A proposal can have more fields than a call can have arguments.
  return lines.flat();
}

/** What mm sets when it signs. Content that is not complete yet does not have all of it. */
const SET_FIELDS = ['version', 'expires', 'spec_version', 'x-tree', 'x-role'];

function withSetFields(current: JsonObject, content: JsonObject): JsonObject {
  const missing = SET_FIELDS.filter((field) => current[field] !== undefined && !(field in content));
  return { ...content, ...Object.fromEntries(missing.map((field) => [field, current[field]])) };
}

function describeRoot(before: JsonObject, after: JsonObject): string[] {
  const name = namesOf([before, after]);
  const roles = [before, after].map((each) => jsonObject(each['roles']));
  const [old = {}, next = {}] = roles;
  const lines = [...new Set([...Object.keys(old), ...Object.keys(next)])].flatMap((role) =>
    describeKeys(role, { before: jsonObject(old[role]), after: jsonObject(next[role]), name }),
  );
  return headed('root', before, after, [...lines, ...others(before, after, ['roles', 'keys'])]);
}

function describeTargets(before: JsonObject, after: JsonObject): string[] {
  const name = namesOf([before, after]);
  const [old, next] = [delegatedRoles(before), delegatedRoles(after)];
  const lines = [...new Set([...old.keys(), ...next.keys()])].flatMap((role) => {
    const [was, is] = [old.get(role), next.get(role)];
    if (is === undefined) {
      const heir = [...next.keys()].find((each) => !old.has(each) && isSameWord(each, role));
      const what = heir === undefined ? 'no key may publish it any more' : `now by role ${heir}`;
      return [`${roleWord(role)}: ${what}`];
    }
    const paths = canonicalize(was?.['paths'] ?? []) === canonicalize(is['paths']);
    const news = paths ? [] : [`${roleWord(role)}: for ${JSON.stringify(is['paths'])}`];
    const rest = others(was ?? {}, is, ['keyids', 'threshold', 'paths']);
    return [
      ...news,
      ...describeKeys(role, { before: was ?? {}, after: is, name }),
      ...rest.map((line) => `${roleWord(role)}: ${line}`),
    ];
  });
  return headed('targets', before, after, [...lines, ...others(before, after, ['delegations'])]);
}

/** A role that begins again has another name, and is the same for people. */
function isSameWord(a: string, b: string): boolean {
  return roleWord(a) === roleWord(b);
}

function describeReleases(role: string, before: JsonObject, after: JsonObject): string[] {
  const [old, next] = [jsonObject(before['targets']), jsonObject(after['targets'])];
  const lines = [...new Set([...Object.keys(old), ...Object.keys(next)])]
    .filter((path) => isChanged(path, old, next))
    .map((path) => `${path}: ${release(next[path])}, before: ${release(old[path])}`);
  return headed(role, before, after, [...lines, ...others(before, after, ['targets'])]);
}

function release(target: unknown): string {
  if (target === undefined) return 'nothing';
  const { hashes, custom, length } = jsonObject(target);
  const { version, commit, hold, stop, schema: _, ...rest } = jsonObject(custom);
  const sha256 = String(jsonObject(hashes)['sha256']);
  if (version === undefined)
    return `sha256 ${sha256}, ${String(length)} bytes ${JSON.stringify(rest)}`;
  const flags = `${hold === true ? ', on hold' : ''}${stop === true ? ', stopped' : ''}`;
  const what = `commit ${String(commit ?? 'none')}, sha256 ${sha256}, ${String(length)} bytes${flags}`;
  return `${String(version)} (${what}) ${JSON.stringify(rest)}`;
}

function headed(
  role: string,
  before: JsonObject,
  after: JsonObject,
  lines: readonly string[],
): string[] {
  const [from, to] = [before, after].map((each) => String(each['version'] ?? 'none'));
  const [was, is] = [before, after].map((each) => String(each['expires'] ?? 'never'));
  const isDraft = from !== to;
  const isSame = lines.length === 0 && isRenewal(before, after);
  if (isSame && !isDraft) return [printable(`${roleWord(role)}: ${RENEWAL}`, 400)];
  const words = lines.length > 0 ? lines : [isSame ? RENEWAL : 'other changes'];
  const what = words.map((line) => `  ${printable(line, 1500)}`);
  const versions = isDraft ? `version ${from} -> ${to}, expires ${was} -> ${is}` : 'changes';
  return [printable(`${roleWord(role)}: ${versions}`, 400), ...what];
}

export const RENEWAL = 'unchanged, signed again';

/** Whether only version and expiry change. */
export function isRenewal(before: JsonObject, after: JsonObject): boolean {
  const [old, next] = [before, after].map(
    ({ version: _, expires: __, 'x-proposal': ___, 'x-tree': ____, 'x-role': _____, ...content }) =>
      canonicalize(content),
  );
  return old === next;
}

function describeKeys(
  role: string,
  given: { readonly before: JsonObject; readonly after: JsonObject; name(keyId: string): string },
): string[] {
  const { before, after, name } = given;
  const [was, is] = [before, after].map((each) =>
    Array.isArray(each['keyids']) ? each['keyids'].map(String) : [],
  ) as [string[], string[]];
  const threshold =
    before['threshold'] === after['threshold']
      ? []
      : [
          `${roleWord(role)}: signatures needed ${String(before['threshold'] ?? 'none')} -> ${String(after['threshold'])}`,
        ];
  return [
    ...is.filter((id) => !was.includes(id)).map((id) => `${roleWord(role)}: + key ${name(id)}`),
    ...was.filter((id) => !is.includes(id)).map((id) => `${roleWord(role)}: - key ${name(id)}`),
    ...threshold,
  ];
}

/** Changed fields that the lines above do not describe. */
function others(before: JsonObject, after: JsonObject, known: readonly string[]): string[] {
  const skipped = [...known, 'version', 'expires', 'x-proposal', 'x-role', 'x-versions'];
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...fields]
    .filter((field) => !skipped.includes(field))
    .filter((field) => isChanged(field, before, after))
    .filter(() => Object.keys(before).length > 0)
    .map((field) => `${field} changes`);
}

/** A thief can give a name that every object inherits, such as `constructor`. */
function isChanged(name: string, before: JsonObject, after: JsonObject): boolean {
  const [was, is] = [before, after].map((each) => (Object.hasOwn(each, name) ? each[name] : null));
  return canonicalize(was) !== canonicalize(is);
}

function delegatedRoles(targets: JsonObject): Map<string, JsonObject> {
  const { roles } = jsonObject(targets['delegations']) as { roles?: unknown };
  const listed = Array.isArray(roles) ? roles.map(jsonObject) : [];
  return new Map(listed.map((role) => [String(role['name']), role]));
}

/** The id is signed and checked; a name is only a label. */
function namesOf(documents: readonly JsonObject[]): (keyId: string) => string {
  const names = Object.assign(
    {},
    ...documents.map((each) => jsonObject(each['x-key-names'])),
  ) as JsonObject;
  return (keyId) => `${keyId} ${String(names[keyId] ?? '')}`.trim();
}
