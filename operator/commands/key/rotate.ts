import { CodedError } from '../../../shared/coded-error.ts';
import type { Base, Change } from '../../commit/base.ts';
import type { Answer, Context } from '../../context.ts';
import { editKeys, type NamedKey, type RoleEdit, roleEntries } from '../../metadata/role-keys.ts';
import { type OpenTree, withTree } from '../../open-tree.ts';
import {
  answerChange,
  type CeremonyOptions,
  type ChangeIntent,
  carryOut,
  withCeremony,
} from '../ceremony.ts';
import { findKeyId, hasKey, namedKey, rolesNamed } from './arguments.ts';

export interface RotateOptions extends CeremonyOptions {
  /** `root`, `targets`, `online`, an environment. */
  readonly role?: readonly string[] | undefined;
  /** Files of public keys, or names of keys at hand. */
  readonly add?: readonly string[] | undefined;
  /** Names or ids of keys. */
  readonly remove?: readonly string[] | undefined;
  readonly threshold?: number | undefined;
  readonly recover?: boolean | undefined;
}

/** `mm key rotate`: other keys for roles, and all signed anew that the change makes unsigned: one commit. */
export async function rotateKeys(context: Context, options: RotateOptions): Promise<Answer> {
  const { role = [], add = [], remove = [], threshold, recover = false } = options;
  if (role.length === 0) throw usage('wanted --role root, targets, online or an environment');
  if (recover && (role.join() !== 'online' || remove.length > 0 || add.length === 0)) {
    throw usage('--recover takes --role online and the new keys, --add; all others go');
  }
  if (add.length === 0 && remove.length === 0 && threshold === undefined) {
    throw usage('wanted --add, --remove or --threshold');
  }
  return await withTree(context, options, async (tree) => {
    const keys = await readKeys(context, tree, { given: add, options });
    let ids: readonly string[] | undefined;
    const intent: ChangeIntent = (base) => {
      // Once: when the first try came through after all, the second finds no such key any more.
      const isFirst = ids === undefined;
      ids ??= remove.map((given) => findKeyId(base, given));
      const roles = role.flatMap((given) => rolesNamed(base, given));
      if (recover) return planRecovery(base, keys, isFirst);
      return planEdits(base, roles, { add: keys, remove: ids, threshold });
    };
    const done = await withCeremony(context, tree, options, (opened) =>
      carryOut(context, opened, { intent, options }),
    );
    return answerChange(tree, done);
  });
}

export interface RevokeOptions extends CeremonyOptions {
  readonly replaceBy?: string | undefined;
}

/** `mm key revoke`: takes a key out of every role that it is in. Throws THRESHOLD_UNMET when too few would be left. */
export async function revokeKey(
  context: Context,
  given: string,
  options: RevokeOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const { replaceBy } = options;
    const wanted = replaceBy === undefined ? [] : [replaceBy];
    const add = await readKeys(context, tree, { given: wanted, options });
    let keyId: string | undefined;
    const intent: ChangeIntent = (base) => {
      keyId ??= findKeyId(base, given);
      const revoked = keyId;
      const roles = roleEntries(base).filter((entry) => hasKey(entry, revoked));
      const names = roles.map(({ role }) => role);
      return planEdits(base, names, { add, remove: [revoked] });
    };
    const done = await withCeremony(context, tree, options, (opened) =>
      carryOut(context, opened, { intent, options }),
    );
    return answerChange(tree, done);
  });
}

function planEdits(base: Base, roles: readonly string[], edit: RoleEdit): Change | undefined {
  const changed = editKeys(base, new Map(roles.map((role) => [role, edit])));
  if (changed.root === undefined && changed.roles.size === 0) return undefined;
  return { blobs: [], ...changed };
}

/**
 * Fast-forward recovery: whoever drove up the versions of timestamp and snapshot did so with a key of theirs. Without any
 * of the old keys the old files count nowhere, and versions begin again (attack 17).
 */
function planRecovery(base: Base, add: readonly NamedKey[], isFirst: boolean): Change | undefined {
  const added = add.map(({ keyId }) => keyId);
  const online = roleEntries(base).filter(
    ({ role }) => role === 'snapshot' || role === 'timestamp',
  );
  const isDone = online.every(({ keyIds }) => keyIds.join() === added.join());
  if (isDone && base.isUnfinished !== true && !isFirst) return undefined;
  const old = online.flatMap(({ keyIds }) => keyIds);
  if (base.isUnfinished !== true && added.some((keyId) => old.includes(keyId))) {
    throw usage(
      '--recover wants keys that were never online: what an old one signed would count on',
    );
  }
  const edit = { add, remove: old.filter((keyId) => !added.includes(keyId)), threshold: 1 };
  const changed = editKeys(base, new Map(online.map(({ role }) => [role, edit])));
  return { blobs: [], ...changed, restart: true };
}

async function readKeys(
  context: Context,
  { config }: OpenTree,
  { given, options }: { readonly given: readonly string[]; readonly options: CeremonyOptions },
): Promise<NamedKey[]> {
  return await Promise.all(
    given.map((each) => namedKey(context, config, { given: each, options })),
  );
}

function usage(message: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next: 'mm key rotate --help' });
}
