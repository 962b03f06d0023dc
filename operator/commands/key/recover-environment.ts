import { CodedError } from '../../../shared/coded-error.ts';
import { jsonObject } from '../../../shared/json.ts';
import { baseRole, environmentRole, roleWord } from '../../../trust/metadata/role-names.ts';
import type { Context } from '../../context.ts';
import { editKeys, type NamedKey, roleEntries } from '../../metadata/role-keys.ts';
import type { RoleContent } from '../../metadata/signed-file.ts';
import { contentOf, type VerifiedMetadata } from '../../metadata/verified.ts';
import type { Repository } from '../../repository/repository.ts';
import type { KeyChange } from '../change-keys.ts';
import { chooseReleases } from './choose-releases.ts';
import type { FirstList, ReleaseChoice } from './first-list.ts';

export interface EnvironmentRecovery {
  /** The role of the environment. */
  readonly role: string;
  readonly add: readonly NamedKey[];
  readonly choice: ReleaseChoice;
  readonly firstList: FirstList;
  /** The command to repeat, for the error. */
  readonly command: string;
  /** False when an earlier attempt of the same command lost a race. */
  readonly isFirst: boolean;
}

/**
 * Starts the role of an environment at version 1, under another name: hosts would refuse a lower
 * version of the old name as a rollback. They find the role by the paths that targets delegates,
 * not by its name. A file of an older mm does not contain the name of its role, so the new role
 * must not have a key of the old one: such files would verify under the new name. Throws USAGE,
 * THRESHOLD_UNMET.
 */
export async function planEnvironmentRecovery(
  context: Context,
  repository: Repository,
  verified: VerifiedMetadata,
  { role, add, choice, firstList, command, isFirst }: EnvironmentRecovery,
): Promise<KeyChange | undefined> {
  const old = roleEntries(verified).find((entry) => entry.role === role)?.keyIds ?? [];
  if (add.some(({ keyId }) => old.includes(keyId))) {
    if (!isFirst) return undefined;
    throw new CodedError('--recover needs keys that the environment does not have yet', {
      code: 'USAGE',
      next: 'mm key new NAME, then the same command with --add NAME',
    });
  }
  const edited = editKeys(verified, new Map([[role, { add, remove: old }]]));
  const targets = edited.roles.get('targets');
  if (targets === undefined) return undefined;
  const asked = { verified, removed: old, roles: [role], choice, firstList, command };
  const { roles, remarks } = await chooseReleases(context, repository, asked);
  const next = freeName(verified, role);
  const document = verified.roles.get(role);
  const content = roles.get(role) ?? (document && contentOf(document));
  return {
    blobs: [],
    roles: new Map([
      ['targets', renamed(targets, role, next)],
      [next, unversioned(content)],
    ]),
    remarks: [
      ...remarks,
      `${roleWord(role)}: begins again at version 1, as role ${next} instead of ${role}`,
    ],
  };
}

/**
 * `env-stable`, `env-stable-2`, and so on. Hosts remember the version of every name that they have
 * seen. What the role covers counts where it is one environment: an older mm gave the name `env-2`
 * to the role of `2024`.
 */
function freeName(verified: VerifiedMetadata, role: string): string {
  const { covers = [] } = roleEntries(verified).find((each) => each.role === role) ?? {};
  const [only, ...others] = covers;
  const base = only === undefined || others.length > 0 ? baseRole(role) : environmentRole(only);
  const taken = new Set([
    ...Object.keys(verified.snapshot?.signed.meta ?? {}),
    ...[...verified.roles.keys()].map((name) => `${name}.json`),
  ]);
  for (let number = 2; ; number++) {
    if (!taken.has(`${base}-${number}.json`)) return `${base}-${number}`;
  }
}

function renamed(targets: RoleContent, from: string, to: string): RoleContent {
  const delegations = jsonObject(targets['delegations']);
  const listed = Array.isArray(delegations['roles']) ? delegations['roles'].map(jsonObject) : [];
  const roles = listed.map((each) => (each['name'] === from ? { ...each, name: to } : each));
  return { ...targets, delegations: { ...delegations, roles } };
}

/**
 * Removes statements, because they name versions of the old role. A forged one could fit when the
 * new role reaches that version.
 */
function unversioned(content: RoleContent | undefined): RoleContent {
  if (content === undefined) return { _type: 'targets', targets: {} };
  const { version: _, expires: __, ...rest } = content;
  const targets = Object.entries(jsonObject(rest['targets'])).map(([path, target]) => {
    const { change, ...custom } = jsonObject(jsonObject(target)['custom']);
    return [path, change === undefined ? target : { ...jsonObject(target), custom }];
  });
  return { ...rest, targets: Object.fromEntries(targets), _type: 'targets' };
}
