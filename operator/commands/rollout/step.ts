import { counted } from '../../../shared/counted.ts';
import type { Answer, Context } from '../../context.ts';
import { type MoveOptions, type MovePlan, move, type Seen } from '../move/move.ts';
import { type UnderWay, underWay, withoutRollout, withShare } from '../move/rollout-slots.ts';
import { percentOf } from '../move/shares.ts';
import { failingBp, type HostsOptions, tallyHosts } from './hosts.ts';

/**
 * `mm rollout step`, for cron or CI: ends a rollout when too many hosts fail, or continues with the
 * next share of the schedule when its time has come. Only signed metadata decides how far it may
 * go; the statuses of hosts can only delay it.
 */
export async function step(
  context: Context,
  environment: string,
  options: MoveOptions & HostsOptions,
): Promise<Answer> {
  const plan = (seen: Seen) => planStep(context, environment, options, seen);
  const wanted = { action: 'step', environment, isAsking: false, plan } as const;
  const answer = await move(context, options, wanted);
  return answer.document.action === 'halt' ? { ...answer, exitCode: 1 } : answer;
}

async function planStep(
  context: Context,
  environment: string,
  options: HostsOptions,
  { tree, slots, by, at }: Seen,
): Promise<MovePlan | undefined> {
  const wait = (why: string): undefined => context.notice(`${environment}: ${why}`) as undefined;
  const going = underWay(slots);
  if (going === undefined) return wait('no rollout is under way');
  const { current, next, rollout } = going;
  const now = context.now();
  const tally = await tallyHosts(context, tree, options, { environment, slots, now });
  const failing = failingBp(tally);
  const { haltBp, since, steps = [] } = rollout;
  if (haltBp !== undefined && tally.failing.length > 0 && failing >= haltBp) {
    const hosts = `${counted(tally.failing.length, 'host')} (${percentOf(failing)})`;
    const why = `${hosts} ${tally.failing.length === 1 ? 'fails' : 'fail'}`;
    return halted(environment, going, { by, at, reason: why });
  }
  const [following, ...rest] = steps;
  if (following === undefined) {
    return wait(`no further share is scheduled: mm rollout ${environment} --percent 100 ends it`);
  }
  if (current.custom.hold || current.custom.stop) return wait('on hold, or stopped');
  const due = Date.parse(since ?? current.custom.created) + following.afterSeconds * 1000;
  if (due > LAST_MS) return wait('the next step is due after the last date of the calendar');
  if (due > now) return wait(`the next step is due at ${new Date(due).toISOString()}`);
  // While no host has run the release, it is not known whether it is good. Without any host there
  // is nothing to wait for.
  if (tally.done + tally.failing.length === 0 && tally.waiting.length > 0) {
    return wait(`no host has run it yet, of ${counted(tally.waiting.length, 'host')}`);
  }
  const widened = { ...rollout, bp: following.bp, steps: rest, since: new Date(now).toISOString() };
  const change = withShare(environment, current, { release: next, rollout: widened });
  return { ...change, doubts: [], what: `go on with ${environment}` };
}

/** A thief of a key can sign any schedule, and no later time can be shown. */
const LAST_MS = 8.64e15;

function halted(
  environment: string,
  going: UnderWay,
  statement: { readonly by: string; readonly at: string; readonly reason: string },
): MovePlan {
  const { reason } = statement;
  const { after, lines } = withoutRollout(environment, going, statement);
  return {
    ...{ after, doubts: [], action: 'halt', reason },
    lines: [`${environment}: halted: ${reason}`, ...lines],
    what: `halt ${environment}`,
  };
}

/** `mm rollout halt`: all hosts get the current release again. */
export async function halt(
  context: Context,
  environment: string,
  options: MoveOptions,
): Promise<Answer> {
  const plan = ({ slots, by, at }: Seen): MovePlan | undefined => {
    const going = underWay(slots);
    if (going === undefined) {
      const { version } = slots.current?.custom ?? {};
      const all = version === undefined ? '' : `: all hosts get ${version}`;
      const back = `to go back: mm rollback ${environment}; to stop Puppet: mm stop ${environment}`;
      context.notice(`${environment}: no rollout is under way${all}; ${back}`);
      return undefined;
    }
    const statement = { by, at, reason: options.reason ?? '' };
    const ended = withoutRollout(environment, going, statement);
    return { ...ended, doubts: [], what: `halt ${environment}` };
  };
  return await move(context, options, { action: 'halt', environment, isAsking: false, plan });
}
