import { printable } from '../../../shared/clean-text.ts';
import type { Answer, Context } from '../../context.ts';
import { offerOf } from '../../metadata/verified.ts';
import type { RolloutStatusAnswer } from '../../move-answers.ts';
import { withRepository, withTree } from '../../open-tree.ts';
import { table } from '../../table.ts';
import { pausedText } from '../move/paused-text.ts';
import { underWay, whom } from '../move/rollout-slots.ts';
import { percentOf } from '../move/shares.ts';
import { releaseAnswer } from '../releases/answer.ts';
import { failingBp, type HostNote, type HostsOptions, tallyHosts } from './hosts.ts';

/** Hosts that are named of each kind; the counts are of all. */
const MAX_NAMED = 50;

/** `mm rollout status`: which hosts run the release, which wait, and which fail and why. */
export async function rolloutStatus(
  context: Context,
  environment: string,
  options: HostsOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const needs = { environments: [environment] };
    return await withRepository(context, tree, needs, async ({ repository }) => {
      const slots = offerOf(await repository.read(), environment);
      const now = context.now();
      const tally = await tallyHosts(context, tree, options, { environment, slots, now });
      const rollout = underWay(slots)?.rollout;
      const target = slots.next ?? slots.current;
      const { done, waiting, failing, outside, unreadable } = tally;
      const document: RolloutStatusAnswer = {
        ...{ schemaVersion: 1, bucket: tree.bucket.name, tree: tree.config.tree, environment },
        release: target === undefined ? null : releaseAnswer(target),
        current: slots.current === undefined ? null : releaseAnswer(slots.current),
        rollout: rollout === undefined ? null : { ...rollout },
        counts: {
          ...{ done, outside, unreadable },
          waiting: waiting.length,
          failing: failing.length,
        },
        failingPercent: failingBp(tally) / 100,
        waiting: named(waiting),
        failing: named(failing),
      };
      return { document, lines: linesOf(document) };
    });
  });
}

function named(hosts: readonly HostNote[]): RolloutStatusAnswer['failing'] {
  return hosts.slice(0, MAX_NAMED).map((each) => ({ ...each }));
}

function linesOf({
  environment,
  release,
  rollout,
  counts,
  current,
  ...rest
}: RolloutStatusAnswer): string[] {
  if (release === null) return [`nothing is published for ${environment}`];
  const { done, waiting, failing, outside, unreadable } = counts;
  const where = rollout === null ? 'all hosts' : whom(rollout as Parameters<typeof whom>[0]);
  const paused = pausedText(current);
  const rows = (['failing', 'waiting'] as const).flatMap((kind) =>
    rest[kind].map(({ certname, why }) => [kind, certname, why]),
  );
  return [
    `${environment} ${printable(release.version, 64)}: ${where}`,
    `done ${done}, waiting ${waiting}, failing ${failing} (${percentOf(rest.failingPercent * 100)} of those that ran it)`,
    // Explains why hosts wait.
    ...(paused === undefined ? [] : [paused]),
    ...(outside > 0 ? [`not reached yet: ${outside}`] : []),
    ...(unreadable > 0 ? [`no readable status: ${unreadable}`] : []),
    ...table(rows),
  ];
}
