import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { nearest } from '../../../shared/suggestion.ts';
import type { Context } from '../../context.ts';
import { readStatuses } from '../../hosts/read-statuses.ts';
import type { OpenTree } from '../../open-tree.ts';
import type { Doubt } from '../confirm.ts';

/** Known groups that a message names. Hosts choose them. */
const MAX_NAMED = 20;

export interface WantedGroups {
  readonly environment: string;
  readonly groups: readonly string[];
  /** `--new-group`. */
  readonly isAgreed: boolean;
}

/**
 * Doubts about groups that no host of the environment has: a mistyped group would be signed, and
 * reach nobody. Says so when it cannot be known, because no host has reported or because these
 * credentials may not read statuses.
 */
export async function groupDoubts(
  context: Context,
  { bucket, config }: OpenTree,
  { environment, groups, isAgreed }: WantedGroups,
): Promise<readonly Doubt[]> {
  if (groups.length === 0) return [];
  const unknown = new Set(groups);
  const unsure = (why: string): Doubt[] => {
    context.notice(`whether hosts have the group ${[...unknown].join(', ')} is not known: ${why}`);
    return [];
  };
  const known = new Set<string>();
  let hasHosts = false;
  try {
    for await (const { status } of readStatuses({ bucket, tree: config.tree })) {
      if (status?.environment !== environment) continue;
      hasHosts = true;
      for (const group of status.groups) unknown.delete(group);
      for (const group of status.groups) known.add(printable(group, 100));
      if (unknown.size === 0) return [];
    }
  } catch (error) {
    if (!(error instanceof CodedError && error.code === 'S3_ACCESS_DENIED')) throw error;
    return unsure('these credentials may not read the statuses of hosts');
  }
  if (!hasHosts) return unsure(`no host of ${environment} has reported yet`);
  const names = [...known].sort();
  const listed = names.length > MAX_NAMED ? [...names.slice(0, MAX_NAMED), '...'] : names;
  const others = listed.length === 0 ? 'they have no group' : `they have ${listed.join(', ')}`;
  return [...unknown].map((group) => {
    const meant = nearest(group, names);
    const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
    const text = `no host of ${environment} has reported the group ${group}${hint}; ${others}`;
    return { text, option: '--new-group', isAgreed };
  });
}
