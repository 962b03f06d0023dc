import { execFile } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isRunning } from '../../host/processes.ts';
import type { Command } from './launch.ts';
import type { Launched, LeaderEnd } from './supervise.ts';

const POLL_MS = 100;
const SYSTEMD_RUN = '/usr/bin/systemd-run';
/** This path also exists where /bin is not merged into /usr. */
const SYSTEMCTL = '/bin/systemctl';

/** Returns the name of the transient unit of a run. */
export function unitName(runId: string): string {
  return `mm-puppet-${runId.replace(/[^\w.-]/g, '_')}.service`;
}

/**
 * Starts a program in a transient unit: outside the sandbox of the agent, and not affected by its
 * restart. systemd 239 (RHEL 8) knows all options. Rejects if the program cannot be started.
 * Afterwards {@link launchedIn} finds it.
 *
 * `systemd-run --wait` is not used, because it reports an end by SIGTERM as exit code 0. Instead
 * the unit stays loaded after its end (RemainAfterExit=) until an agent has read its exit status.
 * That may be another agent than the one that started it.
 */
export async function launchInUnit(
  command: Command,
  unit: { readonly name: string; readonly limitSeconds: number },
): Promise<void> {
  const properties = [
    'RemainAfterExit=yes',
    // Exit codes of Puppet that do not mean that the unit failed.
    'SuccessExitStatus=1 2 4 6',
    // Services that Puppet starts by itself continue to run, as they do outside a unit.
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
    // systemd replaces $NAME in arguments; $$ is a literal dollar sign.
    ...[command.path, ...command.arguments].map((word) => word.replaceAll('$', '$$$$')),
  ];
  await promisify(execFile)(SYSTEMD_RUN, words, { env: {} });
}

/** How to reach systemd. Tests replace the program. */
export interface SystemdAccess {
  readonly systemctl: string;
  /** Time between two attempts. */
  readonly pauseMs: number;
}

const HOST: SystemdAccess = { systemctl: SYSTEMCTL, pauseMs: 1000 };

/**
 * Returns the run in a unit, which this agent started or an earlier one that died. Rejects when
 * systemd does not answer: the run may be under way, and must not be touched.
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
    // The process disappears a moment before systemd has recorded its end.
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

/** ExecMainCode is si_code of waitid(2): 1 exited, 2 killed, 3 killed with a core dump. */
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

/**
 * Returns properties of a unit. For a unit that is not loaded, systemd reports its defaults.
 * Rejects when systemd does not answer.
 */
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

/**
 * The unit is active after a success and failed otherwise. `stop` unloads it in the first case,
 * `reset-failed` in the second; the other command does nothing.
 */
async function unload(unit: string, { systemctl }: SystemdAccess): Promise<void> {
  for (const verb of ['stop', 'reset-failed']) {
    await promisify(execFile)(systemctl, [verb, unit], ASKED).catch(() => undefined);
  }
}

const ASKED = { env: { LC_ALL: 'C' } } as const;
const ATTEMPTS = 10;

/**
 * Returns what systemctl printed. Tries again while systemd is busy with itself (daemon-reload,
 * reexec), then rejects.
 */
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
