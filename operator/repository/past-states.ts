import { canonicalize } from '@tufjs/canonical-json';
import type { Metadata, Targets } from '@tufjs/models';
import type { OfferedRelease, ReleaseChange } from '../../bucket/documents/release.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { someOf } from '../../shared/counted.ts';
import { readOffer } from '../../trust/metadata/offer.ts';
import type { Slots } from '../metadata/slots.ts';
import { delegatedOffer, type VerifiedMetadata } from '../metadata/verified.ts';
import { olderFiles } from './older-files.ts';
import type { Repository } from './repository.ts';

/**
 * What an environment offered at some time, from a file of its role that the present keys signed.
 */
export interface PastState extends Slots {
  readonly current: OfferedRelease;
  /** The command that made this state. Undefined in files of an mm that did not write it. */
  readonly change: ReleaseChange | undefined;
  /** The first version of the role that says so; later ones may be renewals of it. */
  readonly roleVersion: number;
  /** Keys that signed that version. */
  readonly keyIds: readonly string[];
  /**
   * Set when the state after this one replaced another one: the version of the role whose file is
   * gone, or is not signed by the present keys.
   */
  readonly skipped?: number | undefined;
}

/**
 * What an environment offers now and offered before, newest first, with one state for each command.
 * Publications that lost a race or were killed left files that no host ever used. `change.after`
 * names the version that was replaced, so the versions between the two are skipped. Without
 * permission to list, only the present state is known.
 */
export async function* pastStates(
  history: RoleHistory,
  environment: string,
): AsyncGenerator<PastState> {
  const { role, newest } = history;
  let pending = newest && stateIn(newest, role, environment);
  for await (const document of history.older) {
    const { version } = document.signed;
    const state = stateIn(document, role, environment);
    if (pending !== undefined && state !== undefined && isSame(state, pending)) {
      const { roleVersion, keyIds } = state;
      pending = { ...pending, roleVersion, keyIds };
    } else if (pending === undefined) pending = state;
    else if (version <= replacedBy(pending)) {
      const replaced = replacedBy(pending);
      yield pending;
      pending = state && { ...state, skipped: version < replaced ? replaced : undefined };
    }
  }
  if (pending !== undefined) yield pending;
}

/** The version labels that an environment had until now, also those of rollouts. */
export async function versionsUntilNow(
  repository: Repository,
  verified: VerifiedMetadata,
  environment: string,
): Promise<string[]> {
  const { role } = delegatedOffer(verified, environment);
  const versions: string[] = [];
  const history = roleHistory(repository, verified, role);
  for await (const { current, next } of pastStates(history, environment)) {
    versions.push(current.custom.version, ...(next === undefined ? [] : [next.custom.version]));
  }
  return versions;
}

/** The files of a role. Each is read once, when it is needed first. */
export interface RoleHistory {
  readonly role: string;
  /** Undefined when the role was never published. */
  readonly newest: Metadata<Targets> | undefined;
  /** Those that today's keys signed, newest first. */
  readonly older: AsyncIterable<Metadata<Targets>>;
}

/** Reads the files of a role on demand. */
export function roleHistory(
  repository: Repository,
  verified: VerifiedMetadata,
  role: string,
): RoleHistory {
  const source = readableFiles(repository, verified, role);
  const read: Metadata<Targets>[] = [];
  async function* older(): AsyncGenerator<Metadata<Targets>> {
    for (let index = 0; ; index++) {
      if (index === read.length) {
        const { value, done } = await source.next();
        if (done === true) return;
        read.push(value);
      }
      yield read[index] as Metadata<Targets>;
    }
  }
  const newest = verified.roles.get(role);
  return { role, newest, older: { [Symbol.asyncIterator]: older } };
}

/** A role that began again under another name has numbers of the old one in its first version. */
function replacedBy({ change, roleVersion }: PastState): number {
  const before = roleVersion - 1;
  return change === undefined || change.after > before ? before : change.after;
}

/** Anyone who can write to the bucket can put thousands of files there. */
const MAX_NAMED = 3;

async function* readableFiles(
  repository: Repository,
  verified: VerifiedMetadata,
  role: string,
): AsyncGenerator<Metadata<Targets>> {
  const foreign: string[] = [];
  try {
    yield* olderFiles(repository, verified, role, (file) => foreign.push(file));
  } catch (error) {
    if (!(error instanceof CodedError && error.code === 'S3_ACCESS_DENIED')) throw error;
    repository.notice?.('no history: these credentials may not list the bucket');
  } finally {
    if (foreign.length > 0) {
      const names = someOf(foreign, MAX_NAMED);
      repository.notice?.(`${names}: of another role, or not signed by the current keys`);
    }
  }
}

/** Undefined when the environment had no release, or one that no host would accept. */
function stateIn(
  { signed, signatures }: Metadata<Targets>,
  role: string,
  environment: string,
): PastState | undefined {
  const { targets, version } = signed;
  try {
    const { current, next } = readOffer(role, targets, environment);
    if (current === undefined) return undefined;
    const { change } = current.custom;
    return { current, next, change, roleVersion: version, keyIds: Object.keys(signatures) };
  } catch {
    return undefined;
  }
}

function isSame(a: Slots, b: Slots): boolean {
  const [left, right] = [a, b].map(({ current, next }) =>
    canonicalize({ current: { ...current }, next: { ...next } }),
  );
  return left === right;
}
