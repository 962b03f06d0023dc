import { CodedError } from '../../../shared/coded-error.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import { isVersion } from '../../../trust/metadata/version-limits.ts';
import type { Change } from '../../commit/change.ts';
import type { Answer, Context } from '../../context.ts';
import { isTopLevel } from '../../metadata/delegation.ts';
import { editKeys, type NamedKey, type RoleEdit, roleEntries } from '../../metadata/role-keys.ts';
import { contentOf, type VerifiedMetadata, versionOf } from '../../metadata/verified.ts';
import { type OpenTree, withTree } from '../../open-tree.ts';
import type { Repository } from '../../repository/repository.ts';
import {
  answerChange,
  type ChangeIntent,
  type ChangeOptions,
  changeKeys,
  type KeyChange,
  withRepair,
} from '../change-keys.ts';
import { rolesNamed } from '../role-names.ts';
import { findKeyId, hasKey, namedKey } from './arguments.ts';
import { chooseReleases } from './choose-releases.ts';
import { FirstList, type ReleaseChoice } from './first-list.ts';
import { planEnvironmentRecovery } from './recover-environment.ts';

export interface RotateOptions extends ChangeOptions, ReleaseChoice {
  /** `root`, `targets`, `online`, `binaries`, an environment. */
  readonly role?: readonly string[] | undefined;
  /** Files of public keys, or names of keys on this machine. */
  readonly add?: readonly string[] | undefined;
  /** Names or ids of keys. */
  readonly remove?: readonly string[] | undefined;
  readonly threshold?: number | undefined;
  readonly recover?: boolean | undefined;
}

/**
 * `mm key rotate`: other keys for roles, and new signatures for every role that loses its valid
 * ones, in one commit.
 */
export async function rotateKeys(context: Context, options: RotateOptions): Promise<Answer> {
  const { role = [], add = [], remove = [], threshold, recover = false } = options;
  if (role.length === 0) throw usage('wanted --role root, targets, online or an environment');
  const isOne = role.length === 1 && !['root', 'targets'].includes(role[0] ?? '');
  if (recover && (!isOne || remove.length > 0 || add.length === 0)) {
    throw usage(
      '--recover needs one --role, online or an environment, and the new keys as --add; it removes all other keys',
    );
  }
  const isChoice =
    options.keep === true ||
    options.dropBinaries === true ||
    options.backTo !== undefined ||
    options.drop !== undefined;
  const hasReleases = recover ? role[0] !== 'online' : remove.length > 0;
  if (isChoice && !hasReleases) {
    throw usage(
      '--keep, --back-to, --drop and --drop-binaries go with --remove, or with --recover of an environment',
    );
  }
  if (add.length === 0 && remove.length === 0 && threshold === undefined) {
    throw usage('wanted --add, --remove or --threshold');
  }
  return await withTree(context, options, async (tree) => {
    const keys = await readKeys(context, tree, { given: add, options });
    const firstList = new FirstList();
    let ids: readonly string[] | undefined;
    const intentOn =
      (repository: Repository): ChangeIntent =>
      (verified) => {
        // Only once: when the first attempt succeeded after all, a second one would not find the
        // key.
        const isFirst = ids === undefined;
        ids ??= remove.map((given) => findKeyId(verified, given));
        const roles = role.flatMap((given) => rolesNamed(verified, given));
        const [only = ''] = roles;
        if (recover && !isTopLevel(only)) {
          const command = `mm key rotate --role ${role[0]} --recover --add ${add.map(shellWord).join(' --add ')}`;
          const wanted = { role: only, add: keys, choice: options, firstList, command, isFirst };
          return planEnvironmentRecovery(context, repository, verified, wanted);
        }
        if (recover) return planRecovery(verified, keys, isFirst);
        const command = `mm key rotate ${argumentsOf(options)}`;
        const edit = { add: keys, remove: ids, threshold };
        return planRemoval(context, repository, verified, {
          roles,
          edit,
          choice: options,
          firstList,
          command,
        });
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
 * left, USAGE when releases depend on the key and no option says what becomes of them.
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
    const by = replaceBy === undefined ? '' : ` --replace-by ${shellWord(replaceBy)}`;
    const command = `mm key revoke ${shellWord(given)}${by}`;
    const firstList = new FirstList();
    let keyId: string | undefined;
    const done = await withRepair(context, tree, options, (opened) => {
      const intent: ChangeIntent = async (verified) => {
        keyId ??= findKeyId(verified, given);
        const revoked = keyId;
        const roles = roleEntries(verified).filter((entry) => hasKey(entry, revoked));
        const names = roles.map(({ role }) => role);
        const edit = { add, remove: [revoked] };
        const wanted = { roles: names, edit, choice: options, firstList, command };
        return await planRemoval(context, opened.repository, verified, wanted);
      };
      return changeKeys(context, opened, { intent, options });
    });
    return answerChange(tree, done);
  });
}

/** Asks what becomes of the releases that only the removed keys had signed. */
async function planRemoval(
  context: Context,
  repository: Repository,
  verified: VerifiedMetadata,
  wanted: {
    readonly roles: readonly string[];
    readonly edit: RoleEdit;
    readonly choice: ReleaseChoice;
    readonly firstList: FirstList;
    readonly command: string;
  },
): Promise<KeyChange | undefined> {
  const { roles, edit, choice, firstList, command } = wanted;
  const change = planEdits(verified, roles, edit);
  if (change === undefined) return undefined;
  const asked = { verified, removed: edit.remove, roles, choice, firstList, command };
  const chosen = await chooseReleases(context, repository, asked);
  const contents = new Map([...change.roles, ...chosen.roles]);
  return { ...change, roles: contents, remarks: chosen.remarks };
}

/** The options as they were given, without the choice that is missing. */
function argumentsOf({ role = [], add = [], remove = [], threshold }: RotateOptions): string {
  const lists = { role, add, remove, threshold: threshold === undefined ? [] : [threshold] };
  const given = Object.entries(lists).flatMap(([name, values]) =>
    values.map((value) => `--${name} ${shellWord(String(value))}`),
  );
  return given.join(' ');
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
 * Fast-forward recovery: a thief raised the versions of timestamp and snapshot with one of their
 * keys. Without the old keys the old files are valid nowhere, and versions can start again (attack
 * 17).
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
      '--recover needs keys that were never online: files that an old key signed would stay valid',
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
