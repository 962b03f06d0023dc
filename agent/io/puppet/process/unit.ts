import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
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

/** Returns the name of the transient unit of a run, or of a hook. */
export function unitName(what: 'puppet' | 'hook', id: string): string {
  return `mm-${what}-${id.replace(/[^\w.-]/g, '_')}.service`;
}

/** A transient unit: of Puppet, or of a hook, which has an input. */
export interface Unit {
  readonly name: string;
  /** systemd ends the unit then, if no agent has done it. */
  readonly limitSeconds: number;
  readonly environmentFile: string;
  /** The file that the hook gets as stdin. */
  readonly input?: string;
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
export async function launchInUnit(command: Command, unit: Unit, systemd = HOST): Promise<void> {
  try {
    await promisify(execFile)(systemd.systemdRun, unitArguments(command, unit), { env: {} });
  } catch (error) {
    // When systemd reloads itself at that moment, its answer is lost although the program runs. No
    // agent would then wait for the program.
    if (!(await isLoaded(unit.name, systemd))) throw error;
  }
}

async function isLoaded(unit: string, systemd: SystemdAccess): Promise<boolean> {
  return (await ask(systemd, 'show', '-p', 'LoadState', unit)).trim() === 'LoadState=loaded';
}

/** Returns the arguments of systemd-run. Writes the environment file that they name. */
export function unitArguments(command: Command, unit: Unit): readonly string[] {
  const { input } = unit;
  const properties = [
    'RemainAfterExit=yes',
    ...(input === undefined
      ? PUPPET_PROPERTIES
      : [...HOOK_PROPERTIES, `StandardInput=file:${input}`]),
    `RuntimeMaxSec=${unit.limitSeconds}`,
    'WorkingDirectory=/',
    'UMask=0022',
    `StandardOutput=file:${command.output.path}`,
    'StandardError=inherit',
  ];
  return [
    '--quiet',
    `--unit=${unit.name}`,
    `--description=Miyamoto runs ${input === undefined ? 'Puppet' : command.path}`,
    ...properties.flatMap((property) => ['-p', property]),
    '--',
    // systemd replaces $NAME in arguments; $$ is a literal dollar sign.
    ...hidingEnvironment(command, unit.environmentFile).map((word) => word.replaceAll('$', '$$$$')),
  ];
}

const PUPPET_PROPERTIES = [
  // Exit codes of Puppet that do not mean that the unit failed.
  'SuccessExitStatus=1 2 4 6',
  // Services that Puppet starts by itself continue to run, as they do outside a unit.
  'KillMode=process',
];

/**
 * The agent itself reports a hook that fails. A failed unit would stay loaded until an agent
 * unloads it.
 */
const HOOK_PROPERTIES = [
  `SuccessExitStatus=${Array.from({ length: 255 }, (_, index) => index + 1).join(' ')}`,
  'CollectMode=inactive-or-failed',
  'KillMode=control-group',
  'TimeoutStopSec=5',
];

/**
 * Every user can read the arguments of systemd-run and the properties of a unit, and the
 * environment may contain secrets. Therefore a shell reads the environment from a file that belongs
 * to root, removes the file, and becomes the command.
 */
export function hidingEnvironment(command: Command, file: string): readonly string[] {
  const lines = Object.entries(command.environment).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`,
  );
  writeFileSync(file, lines.join(''), { flag: 'wx', mode: 0o600 });
  const script = '. "$0" && /bin/rm -f "$0" && exec "$@"';
  return ['/bin/sh', '-c', script, file, command.path, ...command.arguments];
}

/** How to reach systemd. Tests replace the programs. */
export interface SystemdAccess {
  readonly systemctl: string;
  readonly systemdRun: string;
  /** Time between two attempts. */
  readonly pauseMs: number;
}

const HOST: SystemdAccess = {
  systemctl: SYSTEMCTL,
  systemdRun: SYSTEMD_RUN,
  pauseMs: 1000,
};

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
  const stdout = await ask(systemd, 'show', '-p', SHOWN_PROPERTIES, unit);
  return new Map(
    stdout.split('\n').flatMap((line) => {
      const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
}

const SHOWN_PROPERTIES = 'MainPID,ExecMainCode,ExecMainStatus';

/**
 * The unit is active after a success and failed otherwise. `stop` unloads it in the first case,
 * `reset-failed` in the second; the other command does nothing.
 */
async function unload(unit: string, systemd: SystemdAccess): Promise<void> {
  // The run may have made systemd busy: it installed packages. A unit that stays is never removed.
  await ask(systemd, 'stop', unit).catch(() => undefined);
  const reset = ['reset-failed', unit];
  await promisify(execFile)(systemd.systemctl, reset, SYSTEMCTL_OPTIONS).catch(() => undefined);
}

const SYSTEMCTL_OPTIONS = { env: { LC_ALL: 'C' } } as const;
const ATTEMPTS = 10;
/** The exit code of systemctl for a unit that is not loaded. */
const NOT_LOADED = 5;

/**
 * Returns what systemctl printed; nothing for a unit that is not loaded. Tries again while systemd
 * is busy with itself (daemon-reload, reexec), then rejects.
 */
async function ask(systemd: SystemdAccess, ...words: readonly string[]): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await promisify(execFile)(systemd.systemctl, words, SYSTEMCTL_OPTIONS)).stdout;
    } catch (cause) {
      if ((cause as { readonly code?: unknown }).code === NOT_LOADED) return '';
      if (attempt === ATTEMPTS) {
        throw new Error(`systemd did not answer: ${words.join(' ')}`, { cause });
      }
    }
    await sleep(systemd.pauseMs);
  }
}
