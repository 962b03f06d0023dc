import { asciiJson, printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { duration } from '../../../shared/duration.ts';
import { LONGEST_PIN, type Pin, untilText } from '../../core/when/pin.ts';
import { withReserveSync } from '../../disk/reserve.ts';
import { systemClock } from '../../io/clock.ts';
import { requireWritable } from '../../io/host/permission.ts';
import { canBeAsked, findDaemon } from '../../io/locks/daemon-claim.ts';
import { agentLog } from '../../io/log.ts';
import { printAnswer } from '../../io/print-answer.ts';
import type { Options } from '../../options.ts';
import { type HostPaths, localPaths } from '../../paths.ts';
import { readPin, writePin } from '../../steps/pin.ts';
import { openHost } from '../open-host.ts';
import { findTarget } from './pin-target.ts';
import { cycleLines, requestCycle } from './run.ts';

const Length = duration({ min: '1m', max: LONGEST_PIN });

/**
 * `mm-agent pin ENVIRONMENT|RELEASE --for 4h [--reason TEXT]`: for that time this host follows
 * another environment, or stays on an installed release. Then it goes back by itself. Throws USAGE,
 * ENVIRONMENT_UNKNOWN, PERMISSION_DENIED.
 */
export async function pin(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const [word, ...others] = options.operands;
  if (word === undefined || others.length > 0) throw usage('wanted one environment or release');
  const until = endOf(options.until);
  const paths = localPaths(options.root);
  requireWritable([paths.state, paths.runtime], options.argv);
  const target = await findTarget(await openHost(options), word);
  const by = env['SUDO_USER'] ?? env['USER'] ?? null;
  const reason = options.reason === undefined ? null : printable(options.reason, 500);
  const made: Pin = { ...target, until, reason, by: by && printable(by, 200) };
  withReserveSync(paths, 'files', () => writePin(paths, made));
  const what =
    made.release === null ? `follows ${made.environment}` : `stays on ${made.release.version}`;
  return await showChange(`this host ${what} ${untilText(made)}`, made, paths, options);
}

/** `mm-agent unpin`: this host follows its configuration again. */
export async function unpin(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  if (options.operands.length > 0) throw usage('unpin has no arguments');
  const paths = localPaths(options.root);
  requireWritable([paths.state, paths.runtime], options.argv);
  const log = agentLog(options, { level: 'warn', format: 'text' }, env);
  const was = readPin(paths, { clock: systemClock, log });
  writePin(paths, null);
  if (was !== undefined) return await showChange('unpinned', null, paths, options);
  printAnswer(options.json ? asciiJson({ pin: null }) : 'this host was not pinned');
  return 0;
}

/** The daemon polls now, because only a cycle reads the pin. */
async function showChange(
  text: string,
  made: Pin | null,
  paths: HostPaths,
  { json }: Options,
): Promise<number> {
  if (!json) printAnswer(text);
  const daemon = await findDaemon(paths);
  const isAsked = daemon !== undefined && canBeAsked(daemon);
  const found = isAsked ? await requestCycle(paths, { trigger: 'poll', noop: false }) : undefined;
  if (json) printAnswer(asciiJson({ pin: made, cycle: found ?? null }, 2));
  else printAnswer(found === undefined ? NO_DAEMON : cycleLines(found).join('\n'));
  return found?.exitCode ?? 0;
}

const NO_DAEMON =
  'no daemon runs that would poll now; it counts from the next cycle on: mm-agent --once';

function endOf(text: string | undefined): string {
  const parsed = Length.safeParse(text);
  if (parsed.success) return new Date(Date.now() + parsed.data.seconds * 1000).toISOString();
  throw usage(
    `--for: wanted a duration from 1m to ${LONGEST_PIN}, such as 4h, found ${text ?? 'none'}`,
  );
}

function usage(message: string): CodedError {
  return new CodedError(message, {
    code: 'USAGE',
    next: 'mm-agent pin canary --for 4h --reason "a test"',
  });
}
