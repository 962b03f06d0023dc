import type { StatusDocument } from '../../bucket/documents/status.ts';
import { asciiJson } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { foreignText } from '../../shared/foreign-file.ts';
import { readClockFloor } from '../../trust/kept/trust-directory.ts';
import { statusLines } from '../core/status/status-text.ts';
import { systemClock } from '../io/clock.ts';
import { requireReadable } from '../io/host/permission.ts';
import { isAlive, readHolder } from '../io/locks/lock-holder.ts';
import { agentLog } from '../io/log.ts';
import { printAnswer } from '../io/print-answer.ts';
import { stateFile } from '../io/state-file.ts';
import type { Options } from '../options.ts';
import { localPaths } from '../paths.ts';
import { readDisabled } from '../steps/disabled.ts';

/**
 * `mm-agent status`: what this host last did and why, from its own disk. Exit 1 after a failed run.
 */
export async function status(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const paths = localPaths(options.root);
  const log = agentLog(options, { level: 'warn', format: 'text' }, env);
  // Else a file that this user may not read would look like a host without any cycle.
  requireReadable(paths.stateFile, options.argv);
  const { status: document, uploaded } = await stateFile(paths.stateFile, log).load();
  if (document === null) {
    throw new CodedError(`no cycle has ended on this host yet: ${paths.stateFile} has no status`, {
      code: 'STATUS_INVALID',
      next: 'mm-agent --once',
    });
  }
  const disabled = readDisabled(paths, { clock: systemClock, log });
  const view = {
    ...document,
    disabled,
    lastPollAt: lastPoll(paths.lastCheck),
    uploadedAt: uploaded?.at ?? null,
    clockFloorAt: clockFloorAt(paths.trust),
    cycleUnderWay: await isHeld(paths.lock),
  };
  const text = options.json ? asciiJson(view, 2) : statusLines(view, Date.now()).join('\n');
  printAnswer(text);
  return isFailure(document) ? 1 : 0;
}

function isFailure({ run }: StatusDocument): boolean {
  return run !== null && ['failed', 'not-compiled', 'killed'].includes(run.status);
}

function lastPoll(path: string): string | null {
  return foreignText(path, 100) ?? null;
}

function clockFloorAt(trust: string): string | null {
  const floor = readClockFloor(trust);
  return floor === 0 ? null : new Date(floor).toISOString();
}

/** A killed agent leaves its lock, so the holder must be alive. */
async function isHeld(lock: string): Promise<boolean> {
  const holder = readHolder(lock);
  return holder !== undefined && (await isAlive(holder));
}
