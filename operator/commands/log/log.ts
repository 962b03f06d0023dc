import { printable } from '../../../shared/clean-text.ts';
import { BINARIES_ROLE } from '../../../trust/metadata/role-names.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { binariesRole, soundBinaries } from '../../metadata/binaries.ts';
import { binaryChanges } from '../../metadata/binary-changes.ts';
import { environmentsIn } from '../../metadata/heard-releases.ts';
import { listedKeys } from '../../metadata/role-keys.ts';
import { delegatedOffer, type VerifiedMetadata } from '../../metadata/verified.ts';
import type { LogAnswer } from '../../move-answers.ts';
import { withRepository, withTree } from '../../open-tree.ts';
import { type PastState, pastStates, roleHistory } from '../../repository/past-states.ts';
import type { Repository } from '../../repository/repository.ts';
import { table } from '../../table.ts';
import { whom } from '../move/rollout-slots.ts';
import { releaseAnswer } from '../releases/answer.ts';

export interface LogOptions extends CommonOptions {
  readonly limit?: number | undefined;
}

type Entry = LogAnswer['entries'][number];
type BinaryEntry = LogAnswer['binaries'][number];
type KeyNames = ReadonlyMap<string, string>;

interface Wanted {
  readonly environment: string | undefined;
  readonly limit: number;
}

/**
 * `mm log`: who published, promoted, rolled back or held what, when and why; without an environment
 * also who put and removed binaries. It is read from the files of the roles that the present keys
 * signed, so nobody without a key can add or change an entry.
 */
export async function log(
  context: Context,
  environment: string | undefined,
  { limit = 20, ...options }: LogOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const needs = { environments: environment === undefined ? ('all' as const) : [environment] };
    return await withRepository(context, tree, needs, async ({ repository }) => {
      const verified = await repository.read();
      const wanted = { environment, limit };
      const names = new Map(listedKeys(verified).map(({ keyId, name }) => [keyId, name]));
      const entries = await readEntries(repository, verified, names, wanted);
      const binaries = await readBinaries(repository, verified, names, wanted);
      if (environment === undefined) noticeUnsound(context, verified);
      const { bucket, config } = tree;
      const place = { bucket: bucket.name, tree: config.tree };
      const document: LogAnswer = {
        ...{ schemaVersion: 1, ...place },
        ...newest({ entries, binaries }, limit),
      };
      return { document, lines: linesOf(document) };
    });
  });
}

async function readEntries(
  repository: Repository,
  verified: VerifiedMetadata,
  names: KeyNames,
  { environment, limit }: Wanted,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const [role, environments] of wantedIn(verified, environment)) {
    const history = roleHistory(repository, verified, role);
    for (const each of environments) {
      let left = limit;
      for await (const state of left > 0 ? pastStates(history, each) : []) {
        entries.push(entryOf(each, state, names));
        left -= 1;
        if (left === 0) break;
      }
    }
  }
  return entries;
}

async function readBinaries(
  repository: Repository,
  verified: VerifiedMetadata,
  names: KeyNames,
  { environment, limit }: Wanted,
): Promise<BinaryEntry[]> {
  const role = environment === undefined ? binariesRole(verified.targets) : undefined;
  if (role === undefined) return [];
  const { newest: present, older } = roleHistory(repository, verified, role);
  const changes = present === undefined ? [] : await binaryChanges(present, older, limit);
  return changes.map(({ keyIds, ...change }) => ({ ...change, signedBy: named(keyIds, names) }));
}

/** Nothing says when and why such an entry was listed, so the log shows the others. */
function noticeUnsound(context: Context, verified: VerifiedMetadata): void {
  const document = verified.roles.get(binariesRole(verified.targets) ?? '');
  const [path, ...more] = document === undefined ? [] : soundBinaries(document).unsound;
  if (path === undefined) return;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  context.notice(
    `the list of binaries has ${printable(path, 300)}${others}, which this mm does not sign; next: mm binaries list`,
  );
}

/** The newest of both lists together. */
function newest(
  { entries, binaries }: Pick<LogAnswer, 'entries' | 'binaries'>,
  limit: number,
): Pick<LogAnswer, 'entries' | 'binaries'> {
  const kept = new Set([...entries, ...binaries].sort(byTime).slice(0, limit));
  return {
    entries: entries.filter((each) => kept.has(each)).sort(byTime),
    binaries: binaries.filter((each) => kept.has(each)).sort(byTime),
  };
}

function byTime(a: { readonly at: string }, b: { readonly at: string }): number {
  return Date.parse(b.at) - Date.parse(a.at);
}

/** The environments to show, by the role that lists them. */
function wantedIn(
  verified: VerifiedMetadata,
  environment: string | undefined,
): Map<string, ReadonlySet<string>> {
  if (environment !== undefined) {
    return new Map([[delegatedOffer(verified, environment).role, new Set([environment])]]);
  }
  return new Map([...verified.roles.keys()].map((role) => [role, environmentsIn(verified, role)]));
}

function entryOf(
  environment: string,
  { current, next, change, roleVersion, keyIds }: PastState,
  names: KeyNames,
): Entry {
  const { by, created, reason } = current.custom;
  // An older mm did not write a statement. The release itself names its publisher.
  const { from = null, ...stated } = change ?? { action: 'publish', at: created, by, reason };
  return {
    environment,
    ...{ action: stated.action, at: stated.at, by: stated.by, reason: stated.reason, from },
    release: releaseAnswer(current),
    next: next === undefined ? null : releaseAnswer(next),
    hosts: next?.custom.rollout === undefined ? null : whom(next.custom.rollout),
    roleVersion,
    signedBy: named(keyIds, names),
  };
}

function named(keyIds: readonly string[], names: KeyNames): Entry['signedBy'] {
  return keyIds.map((keyId) => ({ keyId, name: names.get(keyId) ?? '' }));
}

const HEAD = ['when', 'environment', 'what', 'version', 'for', 'commit', 'by', 'signed by', 'why'];

function linesOf({ entries, binaries }: LogAnswer): string[] {
  if (entries.length + binaries.length === 0) return ['nothing was published yet'];
  const rows = [
    ...entries.map((each) => ({ at: each.at, row: rowOf(each) })),
    ...binaries.map((each) => ({ at: each.at, row: binaryRow(each) })),
  ];
  return table([HEAD, ...rows.sort(byTime).map(({ row }) => row)]);
}

function rowOf({ environment, action, from, release, next, hosts, ...entry }: Entry): string[] {
  const { version, commit } = next ?? release;
  return [
    second(entry.at),
    environment,
    printable(from === null ? action : `${action} from ${from}`, 60),
    printable(version, 64),
    printable(hosts ?? 'all hosts', 60),
    commit?.slice(0, 10) ?? 'work tree',
    ...whoAndWhy(entry),
  ];
}

function binaryRow({ action, name, ...entry }: BinaryEntry): string[] {
  const cells = [BINARIES_ROLE, action, printable(name, 64), 'all hosts', ''];
  return [second(entry.at), ...cells, ...whoAndWhy(entry)];
}

function whoAndWhy({ by, signedBy, reason }: Pick<Entry, 'by' | 'signedBy' | 'reason'>): string[] {
  const signers = signedBy.map(({ keyId, name }) => printable(name, 60) || keyId.slice(0, 12));
  return [printable(by, 60), signers.join(', '), printable(reason, 200)];
}

/** An instant without its fraction. */
function second(at: string): string {
  return at.replace(/\.\d+Z$/, 'Z');
}
