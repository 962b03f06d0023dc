import { CodedError } from '../../../shared/coded-error.ts';
import type { Answer, Context } from '../../context.ts';
import { type MoveOptions, type MovePlan, move, type Seen } from './move.ts';
import { pausedText } from './paused-text.ts';

/** What hosts do during the pause, and which command ends it. */
const STATES = {
  hold: { flag: 'hold', text: 'on hold: hosts take no release and keep applying what they have' },
  stop: { flag: 'stop', text: 'stopped: hosts do not run Puppet, and report' },
} as const;

export interface PauseOptions extends MoveOptions {
  readonly reason: string;
}

/**
 * `mm hold` and `mm stop`. They do not ask, because they must work at once and `mm resume` undoes
 * them. An environment can be both stopped and on hold.
 */
export async function pause(
  context: Context,
  { action, environment }: { readonly action: 'hold' | 'stop'; readonly environment: string },
  options: PauseOptions,
): Promise<Answer> {
  const { flag, text } = STATES[action];
  const plan = ({ slots: { current, next }, by, at }: Seen): MovePlan | undefined => {
    if (current === undefined) throw nothingPublished(environment, action);
    const { reason } = options;
    const { custom } = current;
    // A hold does not end a stop, and hosts show one reason: that of the stop stays.
    const stillStopped = action === 'hold' && custom.stop ? custom.pause : undefined;
    const isSame = stillStopped !== undefined || custom.pause?.reason === reason;
    if (custom[flag] && isSame) return undefined;
    const paused = { ...custom, [flag]: true, pause: stillStopped ?? { by, at, reason } };
    const state =
      stillStopped === undefined
        ? text
        : `on hold, and still stopped (${stillStopped.reason}): hosts do not run Puppet`;
    // Shows an earlier pause, because two people may pause the same environment.
    const before = pausedText(custom);
    const replaced = before === undefined ? [] : [`it was ${before}`];
    return {
      after: { current: { ...current, custom: paused }, next },
      lines: [`${environment}: ${state}; reason: ${reason}`, ...replaced],
      doubts: [],
      what: `${action} ${environment}`,
    };
  };
  return await move(context, options, { action, environment, isAsking: false, plan });
}

/** `mm resume`: ends a hold and a stop. */
export async function resume(
  context: Context,
  environment: string,
  options: MoveOptions,
): Promise<Answer> {
  const plan = ({ slots: { current, next } }: Seen): MovePlan | undefined => {
    if (current === undefined) throw nothingPublished(environment, 'resume');
    const { pause: _, ...custom } = current.custom;
    if (!custom.hold && !custom.stop) return undefined;
    return {
      after: { current: { ...current, custom: { ...custom, hold: false, stop: false } }, next },
      lines: [`${environment}: ${resumed(custom)}`],
      doubts: [],
      what: `resume ${environment}`,
    };
  };
  return await move(context, options, { action: 'resume', environment, isAsking: false, plan });
}

function resumed({ hold, stop }: { readonly hold: boolean; readonly stop: boolean }): string {
  if (hold && stop) return 'no longer stopped, and no longer on hold';
  return stop ? 'no longer stopped' : 'no longer on hold';
}

function nothingPublished(environment: string, action: string): CodedError {
  return new CodedError(
    `nothing is published for ${environment}, so there is nothing to ${action}`,
    {
      code: 'USAGE',
      next: `mm publish ${environment}`,
    },
  );
}
