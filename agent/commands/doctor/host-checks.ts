import { execFile } from 'node:child_process';
import { existsSync, lstatSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import { readOnlyError } from '../../../shared/disk-error.ts';
import { type Check, type Seen, tried } from '../../../shared/doctor/checks.ts';
import { requireOwn } from '../../../shared/owned-path.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import type { Config } from '../../config/config.ts';
import { HOOK_STAGES, MOST_HOOKS } from '../../core/hooks/stages.ts';
import { isFailure } from '../../core/run/run-summary.ts';
import type { HostState } from '../../core/state.ts';
import { agoText } from '../../core/status/time-text.ts';
import { freeSpace, LEFT_TO_OTHERS_BYTES, megabytes } from '../../disk/free-space.ts';
import { missingReserves } from '../../disk/reserve.ts';
import { systemClock } from '../../io/clock.ts';
import { serviceCommand } from '../../io/daemon/service/service-name.ts';
import { findHooks } from '../../io/hooks/programs.ts';
import { type DaemonHolder, findDaemon } from '../../io/locks/daemon-claim.ts';
import { readEnvironmentFiles } from '../../io/puppet/host-data/environment-files.ts';
import { hostData } from '../../io/puppet/host-data/host-data.ts';
import { hostFacts } from '../../io/puppet/host-data/host-facts.ts';
import { requireHostFiles } from '../../io/puppet/host-data/host-files.ts';
import { stateFile } from '../../io/state-file.ts';
import type { HostPaths } from '../../paths.ts';
import type { Log } from '../../ports.ts';
import { readDisabled } from '../../steps/disabled.ts';
import { configuredPuppet } from '../host-puppet.ts';

/** What a run needs of this host: Puppet, and the files that the configuration names. */
export async function checkPuppet(
  checks: Check[],
  config: Config,
  paths: HostPaths,
): Promise<void> {
  await tried(checks, 'puppet', async () => {
    const how = { launcher: 'group', rubyCache: undefined } as const;
    const { path, version } = await configuredPuppet(config, paths, how).find();
    return { value: undefined, message: `${path}, version ${version}` };
  });
  await tried(checks, 'files of the host', () => {
    const data = hostData(config);
    requireHostFiles(data);
    hostFacts(data);
    readEnvironmentFiles(data.environmentFiles);
    return {
      value: undefined,
      message: 'all that agent.yaml names are there, and only root writes',
    };
  });
}

/** Which hooks run, and which only look as if they did. */
export async function checkHooks(
  checks: Check[],
  { hooks }: Config,
  paths: HostPaths,
): Promise<void> {
  const directory = hooks.directory ?? paths.hooks;
  await tried(checks, 'hooks', (): Seen<undefined> => {
    if (hooks.directory === undefined && !existsSync(directory))
      return { value: undefined, message: 'no programs' };
    const { programs, failing, ignored } = findHooks(directory);
    for (const path of programs) requireOwn(join(directory, path), 'the hook');
    const message = `${counted(programs.length, 'program')} in ${directory}`;
    if (failing.length > 0) {
      return {
        value: undefined,
        outcome: 'failed',
        message: `${message}; these fail in each run: ${failing.slice(0, 10).join(', ')}`,
        next: `chmod 0755 ${shellWord(join(directory, failing[0] ?? ''))}; a directory may have ${MOST_HOOKS}`,
      };
    }
    if (ignored.length === 0) return { value: undefined, message };
    return {
      value: undefined,
      outcome: 'warning',
      message: `${message}; ignored: ${ignored.slice(0, 10).join(', ')}`,
      next: `chmod 0755 the files that are meant to run; ${DIRECTORIES_AND_NAMES}`,
    };
  });
}

const DIRECTORIES_AND_NAMES = `directories are ${HOOK_STAGES.join(', ')}; names have no dots`;

/** Whether the agent can write, and has room for a release. */
export async function checkDisk(checks: Check[], paths: HostPaths): Promise<void> {
  for (const directory of [paths.state, paths.runtime]) {
    await tried(checks, `disk of ${directory}`, () => {
      requireDirectory(directory);
      const error = readOnlyError(directory);
      if (error !== undefined) throw error;
      return spaceOf(directory, directory === paths.state ? LEFT_TO_OTHERS_BYTES : 0);
    });
  }
  const missing = missingReserves(paths);
  const isWhole = missing.length === 0;
  checks.push({
    name: 'reserves',
    outcome: isWhole ? 'ok' : 'warning',
    message: isWhole ? 'whole, for a disk that is full' : `not whole: ${missing.join(', ')}`,
    next: isWhole ? null : 'free some space; the next cycle completes them: mm-agent --once',
  });
}

/** Something else in its place keeps every cycle from starting. */
function requireDirectory(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || statSync(path).isDirectory()) return;
  const message = `wanted a directory, found something else: ${path}`;
  throw new CodedError(message, { code: 'FILE_FAILED', next: `ls -ld ${shellWord(path)}` });
}

function spaceOf(directory: string, wanted: number): Seen<undefined> {
  // Before the first cycle it is missing.
  if (!existsSync(directory) && directory !== '/') return spaceOf(dirname(directory), wanted);
  const { bytes, inodes } = freeSpace(directory);
  const message = `${megabytes(bytes)} and ${inodes ?? 'any number of'} inodes are free`;
  const isFull = bytes <= wanted || inodes === 0;
  if (!isFull) return { value: undefined, message };
  const word = shellWord(directory);
  const next = `df -h ${word}; df -i ${word}`;
  return { value: undefined, outcome: 'failed', message: `too little: ${message}`, next };
}

/** Whether a daemon runs, and how systemd sees it. */
export async function checkService(
  checks: Check[],
  paths: HostPaths,
  root: string,
): Promise<DaemonHolder | undefined> {
  const daemon = await findDaemon(paths);
  const unit = root === '/' ? await unitState() : undefined;
  const seen = unit === undefined ? '' : `; systemd says ${unit}`;
  if (daemon !== undefined) {
    const who = `${daemon.service ?? 'by hand'}, process ${daemon.pid}`;
    const isAtBoot = unit === undefined || unit.includes('UnitFileState=enabled');
    checks.push({
      name: 'service',
      outcome: isAtBoot ? 'ok' : 'warning',
      message: `up since ${daemon.since} (${who})${seen}`,
      next: isAtBoot ? null : 'it does not start at boot: systemctl enable mm-agent',
    });
    return daemon;
  }
  const isFailed = unit !== undefined;
  checks.push({
    name: 'service',
    outcome: isFailed ? 'failed' : 'warning',
    message: `no daemon runs on this host${seen}`,
    next: isFailed
      ? 'systemctl start mm-agent; if it fails: journalctl -u mm-agent -n 50'
      : `${serviceCommand('start')}, unless something else starts mm-agent --once`,
  });
  return undefined;
}

const SYSTEMCTL_LIMIT_MS = 5000;

/** Undefined where systemd does not know the unit. */
async function unitState(): Promise<string | undefined> {
  const argv = ['show', 'mm-agent', '-p', 'LoadState,UnitFileState,ActiveState,Result'];
  const options = { timeout: SYSTEMCTL_LIMIT_MS, env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' } };
  const found = await promisify(execFile)('systemctl', argv, options).catch(() => undefined);
  const lines = found?.stdout.trim().split('\n') ?? [];
  return lines.includes('LoadState=loaded') ? lines.slice().sort().join(', ') : undefined;
}

/** What the host remembers: whether its reports arrive, and what its last run did. */
export async function checkState(checks: Check[], paths: HostPaths): Promise<HostState> {
  const damages: string[] = [];
  const log = noted(damages);
  const state = await stateFile(paths.stateFile, log).load();
  const now = systemClock.now();
  const ago = (at: string) => agoText(at, now);
  const add = (name: string, outcome: Check['outcome'], message: string, next: string | null) =>
    checks.push({ name, outcome, message, next });
  const [damage] = damages;
  const { status, uploaded } = state;
  if (damage !== undefined) {
    add('state', 'warning', `${paths.stateFile} cannot be read: ${damage}`, 'mm-agent --once');
  } else if (status === null) {
    add('state', 'warning', 'no cycle has ended on this host yet', 'mm-agent --once');
  } else {
    add('state', 'ok', `of the last cycle, ${ago(status.writtenAt)}`, null);
  }
  if (status !== null) {
    const { runs, skipped } = status.offline;
    const waits = `not reported yet: ${counted(runs, 'run')}, ${skipped} skipped`;
    const sent = uploaded === null ? 'nothing was ever sent' : `the last one ${ago(uploaded.at)}`;
    const isLate = uploaded === null || now > Date.parse(status.times.nextExpectedAt);
    const next = isLate ? 'mm-agent --once; the checks of the bucket may say why' : null;
    add('reports', isLate ? 'failed' : 'ok', `${sent}; ${waits}`, next);
    const { run, release } = status;
    const isBad = run !== null && isFailure(run);
    const what = run === null ? 'none yet' : `${run.status}, ${ago(run.startedAt)}`;
    add('last run', isBad ? 'failed' : 'ok', what, isBad ? `mm-agent log ${run.id}` : null);
    const isEmpty = release === null;
    add(
      'release',
      isEmpty ? 'failed' : 'ok',
      release?.version ?? 'this host has none',
      isEmpty ? 'mm-agent why' : null,
    );
  }
  const disabled = readDisabled(paths, { clock: systemClock, log });
  if (disabled !== null) {
    const next = disabled.by === 'puppet' ? 'puppet agent --enable' : 'mm-agent enable';
    add('disabled', 'warning', disabled.reason, next);
  }
  return state;
}

/** A log that keeps why a file cannot be read. */
function noted(damages: string[]): Log {
  const warn: Log['warn'] = (_event, fields) => void damages.push(String(fields?.['error'] ?? ''));
  const nothing = () => undefined;
  return { debug: nothing, info: nothing, warn, error: warn };
}

/** Throws USAGE. */
export function requireNoOperands(words: readonly string[]): void {
  const [word] = words;
  if (word === undefined) return;
  throw new CodedError(`doctor has no arguments, found ${JSON.stringify(word)}`, {
    code: 'USAGE',
    next: 'mm-agent doctor --bundle FILE',
  });
}
