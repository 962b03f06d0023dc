import type { OfferedRelease, ReleaseChange } from '../../../bucket/documents/release.ts';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { didYouMean } from '../../../shared/suggestion.ts';
import type { Answer, Context } from '../../context.ts';
import { isNamed, RELEASE_NAMES } from '../../metadata/named-release.ts';
import { CHOOSING } from '../../metadata/release-change.ts';
import {
  type PastState,
  pastStates,
  type RoleHistory,
  roleHistory,
} from '../../repository/past-states.ts';
import { requireBlob } from '../../repository/require-blob.ts';
import type { Doubt } from '../confirm.ts';
import { isVouchedFor } from '../key/vouched-release.ts';
import { type DoubtOptions, holdDoubts } from './doubts.ts';
import { type MoveOptions, type MovePlan, move, type Seen } from './move.ts';
import { releaseName } from './release-name.ts';
import { underWay, withoutRollout } from './rollout-slots.ts';

export interface RollbackOptions extends MoveOptions, DoubtOptions {}

interface Wanted {
  readonly environment: string;
  /** As `isNamed` accepts it. Undefined: the release before the current one. */
  readonly release: string | undefined;
}

/**
 * `mm rollback`: the hosts of an environment get an earlier release again. During a rollout they
 * get the current one. Hosts follow, because the release is signed in a newer version of the
 * metadata. They would refuse an old file that was put back.
 */
export async function rollback(
  context: Context,
  wanted: Wanted,
  options: RollbackOptions,
): Promise<Answer> {
  const { environment } = wanted;
  const plan = (seen: Seen) => planRollback(seen, wanted, options);
  return await move(context, options, { action: 'rollback', environment, isAsking: true, plan });
}

async function planRollback(
  { repository, verified, role, slots, by, at }: Seen,
  wanted: Wanted,
  options: RollbackOptions,
): Promise<MovePlan | undefined> {
  const { environment } = wanted;
  const { current } = slots;
  if (current === undefined) {
    throw new CodedError(`nothing is published for ${environment}, so there is nothing before it`, {
      code: 'USAGE',
      next: `mm publish ${environment}`,
    });
  }
  const going = underWay(slots);
  if (going !== undefined && wanted.release === undefined) {
    const doubts = holdDoubts(environment, current.custom, options);
    const statement = { by, at, reason: options.reason ?? '' };
    const ended = withoutRollout(environment, going, statement);
    return { ...ended, doubts, what: 'end the rollout' };
  }
  const history = roleHistory(repository, verified, role);
  const states = pastStates(history, environment);
  const { release: target, gap, choice } = await findRelease(states, current, wanted);
  if (target.sha256 === current.sha256 && going === undefined) return undefined;
  const { sha256, length } = target;
  await requireBlob(repository, { sha256, length, description: releaseName(target) });
  const { hold, stop, pause } = current.custom;
  const { pause: _, rollout: __, ...custom } = target.custom;
  return {
    after: {
      // Only the command that set hold or stop removes it.
      current: {
        ...target,
        custom: {
          ...{ ...custom, minAgent: null, hold, stop },
          ...(pause === undefined ? {} : { pause }),
        },
      },
      next: undefined,
    },
    lines: [`${environment}: ${releaseName(current)} -> ${releaseName(target)}`],
    doubts: [
      ...holdDoubts(environment, current.custom, options),
      ...(wanted.release === undefined ? onceMore(environment, { current, choice, target }) : []),
      ...unknownBefore(role, gap),
      ...(await onlySignedAgain(history, wanted, target)),
    ],
    what: `go back to ${custom.version}`,
  };
}

/**
 * Finds the release. Without a name it is the newest release that was published before the current
 * one. A second rollback therefore goes back one release more, and not forward to the release that
 * the first one withdrew. `gap`: a version of the role between the two that could not be read.
 * `choice`: the command that chose the current release, also when later ones paused it.
 */
async function findRelease(
  states: AsyncIterable<PastState>,
  current: OfferedRelease,
  { environment, release }: Wanted,
): Promise<{
  readonly release: OfferedRelease;
  readonly gap: number | undefined;
  readonly choice: ReleaseChange | undefined;
}> {
  const found = new Map<string, OfferedRelease>();
  const versions: string[] = [];
  let gap: number | undefined;
  let choice: ReleaseChange | undefined;
  let isSame = true;
  for await (const { current: past, change, skipped } of states) {
    isSame &&= past.sha256 === current.sha256;
    if (isSame && CHOOSING.has(change?.action)) choice ??= change;
    if (release === undefined) {
      gap ??= skipped;
      const isEarlier = secondOf(past) <= secondOf(current);
      if (past.sha256 !== current.sha256 && isEarlier) return { release: past, gap, choice };
    } else if (isNamed(past, release) && !found.has(past.sha256)) found.set(past.sha256, past);
    if (past.sha256 !== current.sha256) versions.push(past.custom.version);
  }
  const [only, ...others] = found.values();
  if (only !== undefined && others.length === 0) return { release: only, gap: undefined, choice };
  if (only === undefined) {
    const what =
      release === undefined
        ? 'has had no release before the current one'
        : `has had no release ${JSON.stringify(release)} that its keys signed${didYouMean(release, versions)}`;
    throw new CodedError(`environment ${environment} ${what}`, {
      code: 'USAGE',
      next: `mm releases ${environment}, then name one by ${RELEASE_NAMES}`,
    });
  }
  const names = [...found.values()].map((each) => releaseName(each)).join('; ');
  throw new CodedError(
    `environment ${environment} has had more than one release ${JSON.stringify(release)}: ${names}`,
    { code: 'USAGE', next: `mm rollback ${environment} SHA256` },
  );
}

/** Publications are dated to the second, and promotions to the millisecond. */
function secondOf({ custom }: OfferedRelease): number {
  return Math.floor(Date.parse(custom.created) / 1000);
}

/**
 * Anyone who can write to the bucket can remove the file of the release before, or replace it. The
 * person who answers the question must know that.
 */
function unknownBefore(role: string, skipped: number | undefined): Doubt[] {
  if (skipped === undefined) return [];
  const file = `${skipped}.${role}.json`;
  const text = `${file} is not in the bucket, or other keys signed it: the release before may be another one; mm releases shows what is known`;
  return [{ text, option: '--yes', isAgreed: true }];
}

/**
 * A hold or a renewal signs what a thief published before, and that signature still counts after
 * the key of the thief was revoked.
 */
async function onlySignedAgain(
  history: RoleHistory,
  { environment, release }: Wanted,
  target: OfferedRelease,
): Promise<Doubt[]> {
  const { sha256 } = target;
  const isGood = () => true; // the history has only files that today's keys signed
  if (await isVouchedFor(history, { environment, slot: 'current', sha256 }, isGood)) return [];
  const text = `no file shows that one of today's keys chose ${releaseName(target)} for ${environment}: one of them may only have signed again what a revoked key published`;
  return [{ text, option: sha256.slice(0, SHOWN_SHA256), isAgreed: release !== undefined }];
}

/**
 * A command that is repeated because it was killed, or because its answer was lost, must not go
 * back twice. Only a person, or the name of the release, can request one more step.
 */
function onceMore(
  environment: string,
  given: {
    readonly current: OfferedRelease;
    readonly choice: ReleaseChange | undefined;
    readonly target: OfferedRelease;
  },
): Doubt[] {
  const { current, choice, target } = given;
  if (choice?.action !== 'rollback') return [];
  const name = target.sha256.slice(0, SHOWN_SHA256);
  const [by, at] = [choice.by, choice.at].map((each) => printable(each, 100));
  const text = `${environment} went back to ${releaseName(current)} at ${at}, by ${by}; to go back once more: mm rollback ${environment} ${name}`;
  return [{ text, option: name, isAgreed: false }];
}

const SHOWN_SHA256 = 12;
