import { execFile } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isRunning } from '../../locks/processes.ts';
import type { Command } from './launch.ts';
import type { Launched, LeaderEnd } from './supervise.ts';

const POLL_MS = 100;
const SYSTEMD_RUN = '/usr/bin/systemd-run';
/** Also there where `/usr` is not merged. */
const SYSTEMCTL = '/bin/systemctl';

/** A transient unit's name for a run; both ends must build the same. */
export function unitName(runId: string): string {
  return `mm-puppet-${runId.replace(/[^\w.-]/g, '_')}.service`;
}

/**
 * Starts a program in a transient unit of its own, outside of the agent's sandbox and untouched by its restart. All
 * options are ones that systemd 239 (RHEL 8) knows. Rejects if it cannot be started; once it is, {@link launchedIn} has it.
 *
 * `systemd-run --wait` is not used: it reports an end by SIGTERM as 0. The unit stays after the end instead
 * (RemainAfterExit=) until its exit status has been read, even by an agent that was not there when it ended.
 */
export async function launchInUnit(
  command: Command,
  unit: { readonly name: string; readonly limitSeconds: number },
): Promise<void> {
  const properties = [
    'RemainAfterExit=yes',
    // Puppet's exit codes that are no failure of the unit.
    'SuccessExitStatus=1 2 4 6',
    // Services that Puppet starts by itself live on, as they do without us.
    'KillMode=process',
    `RuntimeMaxSec=${unit.limitSeconds}`,
    'WorkingDirectory=/',
    'UMask=0022',
    `StandardOutput=file:${command.output.path}`,
    'StandardError=inherit',
  ];
  const words = [
    '--quiet',
    `--unit=${unit.name}`,
    '--description=Miyamoto runs Puppet',
    ...properties.flatMap((property) => ['-p', property]),
    ...Object.entries(command.environment).map(([name, value]) => `--setenv=${name}=${value}`),
    '--',
    // systemd replaces $NAME in the words of a command.
    ...[command.path, ...command.arguments].map((word) => word.replaceAll('$', '$$$$')),
  ];
  await promisify(execFile)(SYSTEMD_RUN, words, { env: {} });
}

/** How systemd is asked; tests have a program of their own. */
export interface SystemdAccess {
  readonly systemctl: string;
  /** Before it is asked again. */
  readonly pauseMs: number;
}

const HOST: SystemdAccess = { systemctl: SYSTEMCTL, pauseMs: 1000 };

/**
 * A run in a unit that was started earlier, by this agent or by one that died. Rejects when systemd does not say what
 * became of the unit: then it may be running, and is left alone.
 */
export async function launchedIn(unit: string, systemd = HOST): Promise<Launched> {
  const shown = await show(unit, systemd);
  const pid = Number(shown.get('MainPID') ?? 0);
  if (pid > 0) return { pid, ended: endOf(unit, pid, systemd) };
  await unload(unit, systemd);
  return { pid: undefined, ended: Promise.resolve(endShown(shown)) };
}

async function endOf(unit: string, pid: number, systemd: SystemdAccess): Promise<LeaderEnd> {
  while (isRunning(pid)) await sleep(POLL_MS);
  try {
    let shown = await show(unit, systemd);
    // The process is gone a moment before systemd has noted how.
    while (shown.get('MainPID') === String(pid)) {
      await sleep(POLL_MS);
      shown = await show(unit, systemd);
    }
    await unload(unit, systemd);
    return endShown(shown);
  } catch {
    return { kind: 'unseen' };
  }
}

/** ExecMainCode is waitid's si_code: 1 exited, 2 killed, 3 killed with a core dump. */
function endShown(shown: ReadonlyMap<string, string>): LeaderEnd {
  const status = Number(shown.get('ExecMainStatus') ?? 0);
  switch (shown.get('ExecMainCode') ?? '') {
    case '1':
      return { kind: 'code', code: status };
    case '2':
    case '3':
      return { kind: 'signal', signal: SIGNALS.get(status) ?? `signal ${status}` };
    default:
      return { kind: 'unseen' };
  }
}

const SIGNALS: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name]),
);

/** Properties of a unit; of one that is not loaded, systemd's defaults. Rejects when systemd does not answer. */
async function show(unit: string, systemd: SystemdAccess): Promise<ReadonlyMap<string, string>> {
  const stdout = await ask(systemd, 'show', '-p', SHOWN, unit);
  return new Map(
    stdout.split('\n').flatMap((line) => {
      const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
}

const SHOWN = 'MainPID,ExecMainCode,ExecMainStatus';

/** Either does nothing where the other is needed: the unit is active after a good end and failed after another. */
async function unload(unit: string, { systemctl }: SystemdAccess): Promise<void> {
  for (const verb of ['stop', 'reset-failed']) {
    await promisify(execFile)(systemctl, [verb, unit], ASKED).catch(() => undefined);
  }
}

const ASKED = { env: { LC_ALL: 'C' } } as const;
const ATTEMPTS = 10;

/** What it printed. Asked again while systemd is busy with itself (daemon-reload, reexec); then rejects. */
async function ask(systemd: SystemdAccess, ...words: readonly string[]): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await promisify(execFile)(systemd.systemctl, words, ASKED)).stdout;
    } catch (cause) {
      if (attempt === ATTEMPTS) {
        throw new Error(`systemd did not answer: ${words.join(' ')}`, { cause });
      }
    }
    await sleep(systemd.pauseMs);
  }
}
