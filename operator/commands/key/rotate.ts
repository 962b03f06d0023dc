import { CodedError } from '../../../shared/coded-error.ts';
import { isVersion } from '../../../trust/metadata/version-limits.ts';
import type { Change } from '../../commit/change.ts';
import type { Answer, Context } from '../../context.ts';
import { editKeys, type NamedKey, type RoleEdit, roleEntries } from '../../metadata/role-keys.ts';
import { contentOf, type VerifiedMetadata, versionOf } from '../../metadata/verified.ts';
import { type OpenTree, withTree } from '../../open-tree.ts';
import type { Repository } from '../../repository/repository.ts';
import {
  answerChange,
  type ChangeIntent,
  type ChangeOptions,
  changeKeys,
  withRepair,
} from '../change-keys.ts';
import { findKeyId, hasKey, namedKey, rolesNamed } from './arguments.ts';
import { chooseReleases, type ReleaseChoice } from './choose-releases.ts';
import { planEnvironmentRecovery } from './recover-environment.ts';

export interface RotateOptions extends ChangeOptions, ReleaseChoice {
  /** `root`, `targets`, `online`, an environment. */
  readonly role?: readonly string[] | undefined;
  /** Files of public keys, or names of keys at hand. */
  readonly add?: readonly string[] | undefined;
  /** Names or ids of keys. */
  readonly remove?: readonly string[] | undefined;
  readonly threshold?: number | undefined;
  readonly recover?: boolean | undefined;
}

/**
 * `mm key rotate`: other keys for roles, and new signatures for what the change makes unsigned: one
 * commit.
 */
export async function rotateKeys(context: Context, options: RotateOptions): Promise<Answer> {
  const { role = [], add = [], remove = [], threshold, recover = false } = options;
  if (role.length === 0) throw usage('wanted --role root, targets, online or an environment');
  const isOne = role.length === 1 && !['root', 'targets'].includes(role[0] ?? '');
  if (recover && (!isOne || remove.length > 0 || add.length === 0)) {
    throw usage(
      '--recover takes one --role, online or an environment, and the new keys, --add; all others go',
    );
  }
  const isChoice = options.keep === true || options.backTo !== undefined;
  if (isChoice && (!recover || role[0] === 'online')) {
    throw usage('--keep and --back-to go with --recover of an environment');
  }
  if (add.length === 0 && remove.length === 0 && threshold === undefined) {
    throw usage('wanted --add, --remove or --threshold');
  }
  return await withTree(context, options, async (tree) => {
    const keys = await readKeys(context, tree, { given: add, options });
    let ids: readonly string[] | undefined;
    const intentOn =
      (repository: Repository): ChangeIntent =>
      (verified) => {
        // Once: when the first try came through after all, the second finds no such key any more.
        const isFirst = ids === undefined;
        ids ??= remove.map((given) => findKeyId(verified, given));
        const roles = role.flatMap((given) => rolesNamed(verified, given));
        const [only = ''] = roles;
        if (recover && only.startsWith('env-')) {
          const command = `mm key rotate --role ${role[0]} --recover --add ${add.join(' --add ')}`;
          const wanted = { role: only, add: keys, choice: options, command, isFirst };
          return planEnvironmentRecovery(context, repository, verified, wanted);
        }
        if (recover) return planRecovery(verified, keys, isFirst);
        return planEdits(verified, roles, { add: keys, remove: ids, threshold });
      };
    const done = await withRepair(context, tree, options, (opened) =>
      changeKeys(context, opened, { intent: intentOn(opened.repository), options }),
    );
    return answerChange(tree, done);
  });
}

export interface RevokeOptions extends ChangeOptions, ReleaseChoice {
  readonly replaceBy?: string | undefined;
}

/**
 * `mm key revoke`: removes a key from every role. Throws THRESHOLD_UNMET when too few keys would be
 * left, USAGE when releases depend on the key and nobody has chosen what becomes of them.
 */
export async function revokeKey(
  context: Context,
  given: string,
  options: RevokeOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const { replaceBy } = options;
    const wanted = replaceBy === undefined ? [] : [replaceBy];
    const add = await readKeys(context, tree, { given: wanted, options });
    const by = replaceBy === undefined ? '' : ` --replace-by ${replaceBy}`;
    const command = `mm key revoke ${given}${by}`;
    let keyId: string | undefined;
    const done = await withRepair(context, tree, options, (opened) => {
      const intent: ChangeIntent = async (verified) => {
        keyId ??= findKeyId(verified, given);
        const revoked = keyId;
        const roles = roleEntries(verified).filter((entry) => hasKey(entry, revoked));
        const names = roles.map(({ role }) => role);
        const change = planEdits(verified, names, { add, remove: [revoked] });
        if (change === undefined) return undefined;
        const removed = [revoked];
        const asked = { verified, removed, choice: options, command };
        const chosen = await chooseReleases(context, opened.repository, asked);
        const contents = new Map([...change.roles, ...chosen.roles]);
        return { ...change, roles: contents, remarks: chosen.remarks };
      };
      return changeKeys(context, opened, { intent, options });
    });
    return answerChange(tree, done);
  });
}

function planEdits(
  verified: VerifiedMetadata,
  roles: readonly string[],
  edit: RoleEdit,
): Change | undefined {
  const changed = editKeys(verified, new Map(roles.map((role) => [role, edit])));
  if (changed.root === undefined && changed.roles.size === 0) return undefined;
  return { blobs: [], ...changed };
}

/**
 * Fast-forward recovery: who drove up the versions of timestamp and snapshot did so with a key
 * of theirs. Without any of the old keys the old files count nowhere, and versions begin again
 * (attack 17).
 */
function planRecovery(
  verified: VerifiedMetadata,
  add: readonly NamedKey[],
  isFirst: boolean,
): Change | undefined {
  const added = add.map(({ keyId }) => keyId);
  const online = roleEntries(verified).filter(
    ({ role }) => role === 'snapshot' || role === 'timestamp',
  );
  const isDone = online.every(({ keyIds }) => keyIds.join() === added.join());
  if (isDone && verified.unfinishedSince === undefined && !isFirst) return undefined;
  const old = online.flatMap(({ keyIds }) => keyIds);
  if (verified.unfinishedSince === undefined && added.some((keyId) => old.includes(keyId))) {
    throw usage(
      '--recover wants keys that were never online: what an old one signed would count on',
    );
  }
  const edit = { add, remove: old.filter((keyId) => !added.includes(keyId)), threshold: 1 };
  const changed = editKeys(verified, new Map(online.map(({ role }) => [role, edit])));
  const { targets } = verified;
  const hasRoom = isVersion(versionOf(verified, 'targets') + 1);
  const again = targets === undefined || hasRoom ? [] : [['targets', contentOf(targets)] as const];
  const contents = new Map([...again, ...changed.roles]);
  return { blobs: [], ...changed, roles: contents, restart: true };
}

async function readKeys(
  context: Context,
  { config }: OpenTree,
  { given, options }: { readonly given: readonly string[]; readonly options: ChangeOptions },
): Promise<NamedKey[]> {
  return await Promise.all(
    given.map((each) => namedKey(context, config, { given: each, options })),
  );
}

function usage(message: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next: 'mm key rotate --help' });
}
