import { isDeepStrictEqual } from 'node:util';
import type { OfferedRelease } from '../../../bucket/documents/release.ts';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { Blob } from '../../commit/change.ts';
import type { Answer, Context } from '../../context.ts';
import { offerOf } from '../../metadata/verified.ts';
import { type OpenTree, withRepository, withTree } from '../../open-tree.ts';
import { versionsUntilNow } from '../../repository/past-states.ts';
import { unlockEarly } from '../carry-out.ts';
import type { Doubt } from '../confirm.ts';
import { haltDoubts, holdDoubts, olderDoubts } from '../move/doubts.ts';
import type { RebuildOptions, Remarks } from '../move/foreign-bytes.ts';
import { type MoveOptions, type MovePlan, moveIn, type Seen } from '../move/move.ts';
import { promotedRelease } from '../move/promote.ts';
import { type Rollout, type UnderWay, underWay, withShare } from '../move/rollout-slots.ts';
import { parsePercent, parseSchedule } from '../move/shares.ts';
import { planPublication } from '../publish/plan.ts';
import { checkBeforeReading, withPrepared } from '../publish/prepare.ts';
import { requestOf } from '../publish/publish.ts';
import { type PublishOptions, whatToPublish } from '../publish/what-to-publish.ts';
import { groupDoubts } from './groups.ts';

export interface RolloutOptions extends Omit<PublishOptions, 'group'>, MoveOptions, RebuildOptions {
  readonly percent?: string | undefined;
  readonly group?: readonly string[] | undefined;
  readonly schedule?: string | undefined;
  readonly haltAt?: string | undefined;
  /** Also a group that no host has reported. */
  readonly newGroup?: boolean | undefined;
  /** The environment whose release is rolled out. Undefined: publish the git ref. */
  readonly from?: string | undefined;
}

/** The release that the first hosts get. Undefined when it is already the current one. */
type NewRelease =
  | {
      readonly release: OfferedRelease;
      readonly blobs: readonly Blob[];
      /** Of a release that comes from another environment. */
      readonly remarks?: Remarks;
    }
  | undefined;

/**
 * `mm rollout`: a release for some hosts first. It begins with what `mm publish` would publish, or
 * with the release of another environment. During a rollout it changes the share.
 */
export async function rollout(
  context: Context,
  environment: string,
  options: RolloutOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const change = changeOf(options);
    const { from } = options;
    const groups = {
      environment,
      groups: options.group ?? [],
      isAgreed: options.newGroup === true,
    };
    let doubts: Promise<readonly Doubt[]> | undefined;
    const aboutGroups = () => {
      doubts ??= groupDoubts(context, tree, groups);
      return doubts;
    };
    const begin = (newRelease: (seen: Seen) => Promise<NewRelease>) =>
      moveIn(context, tree, options, {
        ...{ action: 'rollout', environment, from, isAsking: true },
        plan: (seen) =>
          planRollout(seen, { environment, options, change, newRelease, aboutGroups }),
      });
    if (from !== undefined)
      return await begin((seen) => promotedRelease(seen, { from, to: environment }, options));
    if (await isUnderWay(context, tree, environment)) return await begin(() => ended(environment));
    await checkBeforeReading(context, tree.config, options);
    const { group: _, ...publishing } = options;
    const wanted = await whatToPublish(context, tree.config, { environment, options: publishing });
    return await withPrepared(
      context,
      tree.config,
      { ...wanted, options: publishing },
      (prepared) => {
        const { mode } = tree.config;
        const request = requestOf(context, {
          ...{ prepared, ...wanted },
          options: publishing,
          mode,
        });
        return begin(async ({ verified, repository }) => {
          const passGates = async () => {
            await unlockEarly(repository, verified, { environment, options });
            await prepared.passGates();
          };
          const earlierVersions = () => versionsUntilNow(repository, verified, environment);
          const planned = await planPublication(
            { ...request, passGates, earlierVersions },
            verified,
          );
          if (planned.kind !== 'change' || planned.answer.outcome !== 'published') return undefined;
          return { release: planned.answer.release, blobs: planned.change.blobs };
        });
      },
    );
  });
}

/** Adds the options to the signed rollout. Options that are left out change nothing. */
function changeOf({ percent, group, schedule, haltAt }: RolloutOptions): Partial<Rollout> {
  if (percent !== undefined && schedule !== undefined) {
    throw usage('give either --percent or --schedule');
  }
  if ([percent, group, schedule, haltAt].every((each) => each === undefined)) {
    throw forWhichHosts();
  }
  const planned = schedule === undefined ? undefined : parseSchedule(schedule);
  return {
    ...(percent === undefined ? {} : { bp: parsePercent(percent, '--percent'), steps: [] }),
    ...(planned === undefined
      ? {}
      : { bp: planned.first, steps: planned.steps.map((each) => ({ ...each })) }),
    ...(group === undefined ? {} : { groups: [...new Set(group)] }),
    ...(haltAt === undefined ? {} : { haltBp: parsePercent(haltAt, '--halt-at') }),
  };
}

async function planRollout(
  seen: Seen,
  wanted: {
    readonly environment: string;
    readonly options: RolloutOptions;
    readonly change: Partial<Rollout>;
    newRelease(seen: Seen): Promise<NewRelease>;
    /** Reads the statuses of hosts, once. */
    aboutGroups(): Promise<readonly Doubt[]>;
  },
): Promise<MovePlan | undefined> {
  const { environment, options, change } = wanted;
  const { context, tree, slots, at } = seen;
  const { current } = slots;
  if (current === undefined) {
    throw new CodedError(`nothing is published for ${environment}: its hosts have no release yet`, {
      code: 'USAGE',
      next: `mm publish ${environment}; mm rollout is for the releases after it`,
    });
  }
  const going = underWay(slots);
  if (going !== undefined) requireNoOtherRelease(going, environment, options);
  // With --halt-at alone: the option changes a rollout, and begins none.
  if (going === undefined && !change.bp && !change.groups?.length) throw forWhichHosts();
  const begun = going === undefined ? await wanted.newRelease(seen) : undefined;
  const release = going?.next ?? begun?.release;
  if (release === undefined) return undefined;
  const before = going?.rollout ?? { salt: release.custom.release, bp: 0, groups: [] };
  const rollout = { ...before, ...change, since: at };
  if (going !== undefined && isSame(going.rollout, rollout)) return undefined;
  const place = { directory: tree.config.repository, env: context.env };
  const { commit } = release.custom;
  const compared = { environment, before: current.custom.commit, commit };
  const offered = withShare(environment, current, { release, rollout });
  return {
    ...offered,
    lines: [...offered.lines, ...(begun?.remarks?.lines ?? [])],
    doubts: [
      ...(begun?.remarks?.doubts ?? []),
      ...holdDoubts(environment, current.custom, options),
      ...(going === undefined
        ? [
            ...haltDoubts(environment, current, { release, options }),
            ...(await olderDoubts(place, compared, options)),
          ]
        : []),
      ...(await wanted.aboutGroups()),
    ],
    what: `roll out ${release.custom.version}`,
    blobs: begun?.blobs ?? [],
  };
}

/** An option that chooses a release would have no effect on the one that is rolled out already. */
function requireNoOtherRelease(
  { next }: UnderWay,
  environment: string,
  { from, ref, version }: RolloutOptions,
): void {
  const [option] = Object.entries({ from, ref, version }).find(([, given]) => given) ?? [];
  if (option === undefined) return;
  const name = printable(next.custom.version, 64);
  throw new CodedError(
    `a rollout of ${environment} is under way, of ${name}: --${option} can choose no other release`,
    {
      code: 'USAGE',
      next: `without --${option}, to change the share of ${name}; or mm rollout halt ${environment} first`,
    },
  );
}

/** A schedule is different each time: it begins with its first share again. */
function isSame(before: Rollout, after: Rollout): boolean {
  const contentOf = ({ bp, groups, steps = [], haltBp }: Rollout) => [bp, groups, steps, haltBp];
  const hasSteps = (after.steps ?? []).length > 0;
  return !hasSteps && isDeepStrictEqual(contentOf(before), contentOf(after));
}

async function isUnderWay(context: Context, tree: OpenTree, environment: string): Promise<boolean> {
  return await withRepository(context, tree, { environments: [environment] }, async (opened) => {
    return underWay(offerOf(await opened.repository.read(), environment)) !== undefined;
  });
}

function ended(environment: string): never {
  throw new CodedError(`the rollout of ${environment} ended at this very moment`, {
    code: 'PUBLISH_LOST',
    next: `mm log ${environment}, to see who ended it; then run the command again`,
  });
}

function forWhichHosts(): CodedError {
  return usage('for which hosts? --percent, --group or --schedule is needed');
}

function usage(message: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next: 'mm rollout start --help' });
}
