import { ReleaseCustom } from '../../../bucket/documents/release.ts';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import { jsonObject } from '../../../shared/json.ts';
import { releaseTarget } from '../../../trust/metadata/role-names.ts';
import type { PruneAnswer } from '../../answers.ts';
import type { Planned } from '../../commit/commit.ts';
import type { Answer, Context, SigningOptions } from '../../context.ts';
import { coverageOf, isClass } from '../../metadata/environment-classes.ts';
import { environmentsIn, isHeard, readableContent } from '../../metadata/heard-releases.ts';
import { withHighestVersion } from '../../metadata/highest-version.ts';
import type { RoleContent } from '../../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { withRepository, withTree } from '../../open-tree.ts';
import { branchesOf, requireAllBranches } from '../../release/source/branches.ts';
import { type CarryOutOptions, carryOut } from '../carry-out.ts';
import { proposalLines } from '../change-keys.ts';

export interface PruneOptions extends SigningOptions, CarryOutOptions {
  readonly yes?: boolean | undefined;
}

type Gone = PruneAnswer['gone'][number];

/**
 * `mm environment prune`: removes the environments of classes whose branch exists neither in the
 * clone nor in origin, as of its last fetch. Environments that were published from something else
 * stay. Hosts of a removed environment keep what they have. Throws GIT_FAILED, USAGE.
 */
export async function pruneEnvironments(context: Context, options: PruneOptions): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const place = { directory: tree.config.repository, env: context.env };
    await requireAllBranches(place);
    const branches = new Set((await branchesOf(place)).map(({ name }) => name));
    let agreed: ReadonlySet<string> | undefined;
    const needs = { environments: 'all', signing: options } as const;
    const done = await withRepository(context, tree, needs, (opened) =>
      carryOut(context, opened, {
        async intent(verified) {
          const gone = goneEnvironments(verified, branches);
          agreed ??= await agreedTo(context, gone, options);
          // After a lost race the list may have new environments that nobody has seen.
          const chosen = gone.filter(({ environment }) => agreed?.has(environment));
          return planPruning(verified, chosen);
        },
        options,
      }),
    );
    const document: PruneAnswer = {
      schemaVersion: 1,
      bucket: tree.bucket.name,
      tree: tree.config.tree,
      outcome: done.outcome === 'committed' ? 'pruned' : done.outcome,
      gone: [...done.answer],
      objects: done.objects,
      proposal: done.proposal,
      handover: done.handover,
      missing: done.missing,
    };
    return { document, lines: linesOf(document) };
  });
}

/** Environments of classes, not stopped, that were published from a branch not in `branches`. */
export function goneEnvironments(
  verified: VerifiedMetadata,
  branches: ReadonlySet<string>,
): Gone[] {
  const classes = coverageOf(verified.targets).filter(isClass);
  return classes.flatMap(({ role }) => {
    const { targets = {} } = verified.roles.get(role)?.signed ?? {};
    return [...environmentsIn(verified, role)].flatMap((environment) => {
      const { data } = ReleaseCustom.safeParse(
        targets[releaseTarget(environment, 'current')]?.custom,
      );
      if (data?.branch === undefined || branches.has(data.branch)) return [];
      // Without its release the hosts would no longer be stopped.
      if (data.stop) return [];
      return [{ environment, branch: data.branch }];
    });
  });
}

/** Throws USAGE when there is no terminal to ask on. */
async function agreedTo(
  context: Context,
  gone: readonly Gone[],
  { yes = false, noop = false, out }: PruneOptions,
): Promise<ReadonlySet<string>> {
  const all = new Set(gone.map(({ environment }) => environment));
  if (gone.length === 0 || yes || noop || out !== undefined) return all;
  for (const line of gone.map(goneLine)) context.notice(line);
  if (context.askLine === undefined) {
    throw new CodedError(
      `${counted(gone.length, 'environment')} would be removed, and nobody can be asked`,
      {
        code: 'USAGE',
        next: 'git fetch --prune origin; then mm environment prune --yes',
      },
    );
  }
  const answer = await context.askLine(
    `remove ${counted(gone.length, 'environment')}? type "yes": `,
  );
  return answer === 'yes' ? all : new Set();
}

/** Removes the releases of these environments from the roles of their classes. */
export function planPruning(
  verified: VerifiedMetadata,
  gone: readonly Gone[],
): Planned<readonly Gone[]> {
  if (gone.length === 0) return { kind: 'nothing', answer: gone };
  const removed = new Set(gone.map(({ environment }) => environment));
  const roles = new Map<string, RoleContent>();
  for (const { role } of coverageOf(verified.targets).filter(isClass)) {
    const document = verified.roles.get(role);
    if (document === undefined) continue;
    const content = readableContent(verified, role, document);
    const targets = Object.entries(jsonObject(content['targets']));
    const kept = targets.filter(
      ([path]) => !removed.has(path.split('/')[0] ?? '') || !isHeard(verified, role, path),
    );
    if (kept.length < targets.length) {
      const rest = { ...content, targets: Object.fromEntries(kept) };
      const forget = (all: RoleContent, environment: string) =>
        withHighestVersion(all, environment, undefined);
      roles.set(role, [...removed].reduce(forget, rest));
    }
  }
  return { kind: 'change', change: { blobs: [], roles }, answer: gone };
}

function linesOf({ outcome, gone, objects, ...rest }: PruneAnswer): string[] {
  const lines = gone.map(goneLine);
  switch (outcome) {
    case 'pruned':
      return [
        ...lines,
        `removed ${counted(gone.length, 'environment')}; their hosts keep what they have`,
      ];
    case 'proposed':
      return [...lines, ...proposalLines(rest)];
    case 'unchanged':
      return ['nothing was removed'];
    case 'noop':
      return [...lines, 'would write:', ...objects];
  }
}

function goneLine({ environment, branch }: Gone): string {
  return `${environment}: branch ${printable(branch, 255)} is gone`;
}
