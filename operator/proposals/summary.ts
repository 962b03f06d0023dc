import { type OfferedRelease, ReleaseCustom } from '../../bucket/documents/release.ts';
import { printable } from '../../shared/clean-text.ts';
import { type JsonObject, jsonObject } from '../../shared/json.ts';
import { isBinariesRole, roleWord } from '../../trust/metadata/role-names.ts';
import { isTopLevel } from '../metadata/delegation.ts';
import { documentOf, type VerifiedMetadata } from '../metadata/verified.ts';
import { isRenewal, RENEWAL } from './describe-change.ts';
import type { ProposedDocument } from './file.ts';

/*
 * What a proposal does, in one line for each environment. It is the first thing that a signer
 * reads; what the signature covers is the whole diff in diff.ts.
 */

type Release = Pick<OfferedRelease['custom'], 'version' | 'commit' | 'hold' | 'stop' | 'rollout'>;

/** `stable 0.1.0 -> 0.1.1, git diff 38ae6de..5084c37`; and which other documents change. */
export function summaryLines(
  verified: VerifiedMetadata,
  documents: readonly ProposedDocument[],
): string[] {
  return documents.flatMap(({ role, signed }) => {
    if (isTopLevel(role)) return [`${role}: keys, roles or expiry; read the values above`];
    const before = documentOf(verified, role);
    const [was, is] = [before, signed].map((document) => jsonObject(document?.['targets']));
    const lines = (isBinariesRole(role) ? binaryLines : releaseLines)(was ?? {}, is ?? {});
    return lines.length > 0 ? lines : [`${roleWord(role)}: ${whatElse(before, signed)}`];
  });
}

function whatElse(before: JsonObject | undefined, after: JsonObject): string {
  if (before === undefined) return 'new, and still empty';
  return isRenewal(before, after) ? RENEWAL : 'other values; read them above';
}

type Targets = Readonly<Record<string, unknown>>;

function changedPaths(before: Targets, after: Targets): string[] {
  const paths = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...paths].filter((path) => JSON.stringify(before[path]) !== JSON.stringify(after[path]));
}

/** `binaries/files/a.deb: sha256 9f86d081 -> 60303ae2` */
function binaryLines(before: Targets, after: Targets): string[] {
  return changedPaths(before, after).map((path) => {
    const [was, is] = [before, after].map((targets) => {
      const sha256 = jsonObject(jsonObject(targets[path])['hashes'])['sha256'];
      return sha256 === undefined ? 'nothing' : String(sha256).slice(0, 8);
    });
    return printable(`${path}: sha256 ${was} -> ${is}`, 400);
  });
}

function releaseLines(before: Targets, after: Targets): string[] {
  return changedPaths(before, after).map((path) => {
    const [was, is] = [customOf(before[path]), customOf(after[path])];
    const [environment = '', slot] = path.split('/');
    const hosts = slot === 'next' ? ` for ${shareOf(is ?? was)}` : '';
    const change = `${was?.version ?? 'nothing'} -> ${is?.version ?? 'nothing'}${hosts}`;
    const what = was?.version === is?.version ? `${is?.version ?? 'nothing'}${hosts}` : change;
    return printable(`${environment} ${what}${gitDiff(was, is)}${stateOf(was, is)}`, 400);
  });
}

function customOf(target: unknown): Release | undefined {
  const parsed = ReleaseCustom.safeParse(jsonObject(target)['custom']);
  return parsed.success ? parsed.data : undefined;
}

/** The command that shows what the people of a control repository call the change. */
function gitDiff(was: Release | undefined, is: Release | undefined): string {
  const [from, to] = [was?.commit?.slice(0, 7), is?.commit?.slice(0, 7)];
  if (to === undefined) return is === undefined ? '' : ', from files without a commit';
  if (from === to) return '';
  return from === undefined ? `, commit ${to}` : `, git diff ${from}..${to}`;
}

function stateOf(was: Release | undefined, is: Release | undefined): string {
  const [before, after] = [was, is].map(
    (each) => `${each?.stop === true ? 'stopped' : each?.hold === true ? 'on hold' : 'moving'}`,
  );
  return before === after ? '' : `, ${before} -> ${after}`;
}

function shareOf(release: Release | undefined): string {
  const { bp, groups } = release?.rollout ?? { bp: 0, groups: [] };
  const of = groups.length > 0 ? ` and the groups ${groups.join(', ')}` : '';
  return `${bp / 100}% of the hosts${of}`;
}
