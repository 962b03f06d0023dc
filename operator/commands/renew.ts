import { printable } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { roleWord } from '../../trust/metadata/role-names.ts';
import type { Change } from '../commit/change.ts';
import type { Answer, Context } from '../context.ts';
import { canSign } from '../keys/keyring.ts';
import { findKeys } from '../metadata/delegation.ts';
import { isRenewalDue } from '../metadata/expiry-days.ts';
import { draftOf, type RoleContent } from '../metadata/signed-file.ts';
import { contentOfRole } from '../metadata/slots.ts';
import {
  contentOf,
  rootContentOf,
  type VerifiedMetadata,
  versionOf,
} from '../metadata/verified.ts';
import { type RepositoryWork, withRepository, withTree } from '../open-tree.ts';
import { readAsNewHost } from '../repository/read-bucket.ts';
import { repairing } from '../repository/recovery/recovery.ts';
import { hasSeen } from '../repository/recovery/unfinished-rotation.ts';
import type { Repository } from '../repository/repository.ts';
import { restoring } from '../repository/restore.ts';
import { writesMetadata } from './carry-out.ts';
import { answerChange, type ChangeOptions, changeKeys } from './change-keys.ts';
import { rolesNamed } from './role-names.ts';

export interface RenewOptions extends ChangeOptions {
  /** Trust the bucket as it is: without kept state mm cannot detect a rollback. */
  readonly trustBucket?: boolean | undefined;
  /** Finish a rotation that was interrupted. */
  readonly finish?: boolean | undefined;
}

/**
 * `mm renew`: signs the roles that expire soon again, with unchanged content. It is made for a
 * daily job. Roles in the arguments are always renewed. What hosts need and somebody deleted is
 * uploaded again, when this machine has verified it, also while nothing is due. Throws
 * METADATA_ROLLBACK for a bucket that was reset to an older state: a new signature would make that
 * state valid (attack L). Throws STATE_MISSING when mm has no kept state to compare with.
 */
export async function renew(
  context: Context,
  given: readonly string[],
  options: RenewOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const { trustBucket } = options;
    const needs = { environments: 'all', signing: options, trustBucket } as const;
    const done = await withRepository(context, tree, needs, async (opened) => {
      if (trustBucket !== true) assertSeen(opened);
      const notice = (line: string) => context.notice(line);
      const repository =
        options.finish === true
          ? repairing(opened.repository, opened.options, options.without)
          : opened.repository;
      const { mode } = tree.config;
      const intent = (verified: VerifiedMetadata) => {
        const due =
          given.length > 0 ? named(verified, given) : dueRoles(verified, context.now(), mode);
        return planRenewal(verified, due, { repository, notice, isAsked: given.length > 0 });
      };
      const carried = await changeKeys(context, { ...opened, repository }, { intent, options });
      if (carried.outcome === 'unchanged' && writesMetadata(options)) {
        await readAsNewHost(opened.options, true, restoring(opened.options));
      }
      return carried;
    });
    return answerChange(tree, done);
  });
}

function assertSeen({ options }: RepositoryWork): void {
  if (hasSeen(options)) return;
  const { stateDirectory } = options;
  throw new CodedError(`nothing in ${stateDirectory} says what the bucket held before`, {
    code: 'STATE_MISSING',
    next: 'keep the directory `state` of miyamoto.yaml between runs (a cache in CI); for the first run: mm renew --trust-bucket',
    details: { stateDirectory },
  });
}

function named(verified: VerifiedMetadata, given: readonly string[]): string[] {
  return given.flatMap((name) => [...rolesNamed(verified, name)]);
}

function dueRoles(
  verified: VerifiedMetadata,
  now: number,
  mode: Parameters<typeof isRenewalDue>[2]['mode'],
) {
  return Object.entries(verified.expires)
    .filter(([role, expires]) => isRenewalDue(role, expires, { now, mode }))
    .map(([role]) => role);
}

interface Renewing {
  readonly repository: Repository;
  notice(line: string): void;
  /** For roles in the arguments it is an error when they cannot be signed. */
  readonly isAsked: boolean;
}

function planRenewal(
  verified: VerifiedMetadata,
  due: readonly string[],
  { repository, notice, isAsked }: Renewing,
): Change | undefined {
  const isOnline = (role: string) => role === 'snapshot' || role === 'timestamp';
  const renewed: string[] = [];
  const roles = new Map<string, RoleContent>();
  for (const role of due) {
    const content = contentToRenew(verified, role);
    const why =
      isOnline(role) || isAsked ? undefined : unsignable(repository, verified, { role, content });
    if (why !== undefined) {
      notice(`${roleWord(role)} expires at ${verified.expires[role]}, and ${why}`);
      continue;
    }
    renewed.push(role);
    if (content !== undefined) roles.set(role, content);
  }
  if (renewed.length === 0) return undefined;
  const root = renewed.includes('root') ? rootContentOf(verified.root) : undefined;
  const keepSnapshot = renewed.join() === 'timestamp';
  return { blobs: [], roles, root, keepSnapshot };
}

/** Undefined for root and the online roles: their content is made elsewhere. */
function contentToRenew(verified: VerifiedMetadata, role: string): RoleContent | undefined {
  if (role === 'targets') return verified.targets && contentOf(verified.targets);
  return verified.roles.has(role) ? contentOfRole(verified, role) : undefined;
}

/**
 * Returns why a job that renews what is due leaves the role out. Such a job needs only the online
 * keys: people may hold the other keys, and one of those may be that of a thief who signed what mm
 * does not sign. `mm doctor` reminds them.
 */
function unsignable(
  { keyring, treeId, now }: Repository,
  verified: VerifiedMetadata,
  { role, content }: { readonly role: string; readonly content: RoleContent | undefined },
): string | undefined {
  const keys = findKeys(verified, role);
  if (keys === undefined || !canSign(keyring, keys)) {
    return `its keys are not on this machine: mm renew ${roleWord(role)}`;
  }
  if (content === undefined) return undefined;
  try {
    draftOf({ role, treeId, now: now(), version: versionOf(verified, role) + 1, content });
    return undefined;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return `${printable(error.message, 1000)}; ${error.next}`;
  }
}
