import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { orUndefined } from '../../../shared/files.ts';

/** A process of the host. Zombies are not listed. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** The start time as the system prints it. Together with the pid it identifies a process. */
  readonly started: string;
}

/** Returns every process that is visible to this one. */
export async function processTable(): Promise<readonly ProcessRow[]> {
  return process.platform === 'linux' ? linuxTable() : await psTable();
}

function linuxTable(): ProcessRow[] {
  const names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const rows: ProcessRow[] = [];
  for (const name of names) {
    const stat = orUndefined(() => readFileSync(`/proc/${name}/stat`, 'latin1'));
    const row = stat === undefined ? undefined : parseStat(stat);
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

/** proc_pid_stat(5). The name in parentheses may contain anything, so fields count from its end. */
function parseStat(stat: string): ProcessRow | undefined {
  const pid = Number.parseInt(stat, 10);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group] = fields;
  const started = fields[19];
  if (state === 'Z' || state === 'X' || started === undefined) return undefined;
  return { pid, parent: Number(parent), group: Number(group), started };
}

const PS_ROW = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.{24})/;

async function psTable(): Promise<ProcessRow[]> {
  const { stdout } = await promisify(execFile)(
    '/bin/ps',
    ['-ax', ...['pid', 'ppid', 'pgid', 'stat', 'lstart'].flatMap((name) => ['-o', `${name}=`])],
    { env: { LC_ALL: 'C' }, maxBuffer: 16 * 1024 ** 2 },
  );
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, group, state, started] = PS_ROW.exec(line) ?? [];
    if (state === undefined || started === undefined || state.startsWith('Z')) return [];
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), started }];
  });
}

/** Returns the arguments of a process, joined by spaces; empty when it is gone or hidden. */
export async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    const words = orUndefined(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '';
    return words.replaceAll('\0', ' ');
  }
  const ps = promisify(execFile)('/bin/ps', ['-wwo', 'command=', '-p', String(pid)]);
  return await ps.then(({ stdout }) => stdout).catch(() => '');
}

/** Whether a process exists and is not a zombie. */
export function isRunning(pid: number): boolean {
  if (!reaches(pid)) return false;
  if (process.platform !== 'linux') return true;
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1')) !== undefined;
  } catch {
    // hidepid or ProtectProc= hides it, or it has just ended; the next call shows which.
    return true;
  }
}

/**
 * Returns when a process started, as in {@link ProcessRow}; undefined when it is gone or hidden.
 */
export async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    return (await processTable()).find((row) => row.pid === pid)?.started;
  }
  const stat = orUndefined(() => readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? '';
  return parseStat(stat)?.started;
}

/**
 * Whether a process runs as the user of this one. Real and effective user must both match: a setuid
 * program that another user started has the effective user root.
 */
export async function isOwn(pid: number): Promise<boolean> {
  const own = process.geteuid?.();
  const users = process.platform === 'linux' ? linuxUsers(pid) : await psUsers(pid);
  return users.length === 2 && users.every((user) => user === own);
}

/** proc_pid_status(5): real, effective, saved set and filesystem user. */
function linuxUsers(pid: number): readonly number[] {
  const status = orUndefined(() => readFileSync(`/proc/${pid}/status`, 'latin1')) ?? '';
  const [, real, effective] = /^Uid:\s+(\d+)\s+(\d+)/m.exec(status) ?? [];
  return [real, effective].flatMap((user) => (user === undefined ? [] : [Number(user)]));
}

async function psUsers(pid: number): Promise<readonly number[]> {
  const ps = promisify(execFile)('/bin/ps', ['-o', 'ruid=', '-o', 'uid=', '-p', String(pid)]);
  const text = await ps.then(({ stdout }) => stdout).catch(() => '');
  return text.trim().split(/\s+/).map(Number);
}

/** Ticks per second in proc_pid_stat(5): 100 for user space on every platform of Linux. */
const TICKS = 100;
/** The system rounds start times. */
const ROUNDING_SECONDS = 2;

/** Whether a process started after a moment that is given as uptime and as time of day. */
export function hasStartedSince(
  { started }: ProcessRow,
  moment: { readonly uptimeSeconds?: number | undefined; readonly startedAt: number },
): boolean {
  if (process.platform !== 'linux') {
    return Date.parse(started) / 1000 >= moment.startedAt / 1000 - ROUNDING_SECONDS;
  }
  // By uptime, because the time of day may have been set meanwhile.
  return Number(started) / TICKS >= (moment.uptimeSeconds ?? 0) - ROUNDING_SECONDS;
}

/** Whether the process group has a member. Zombies count. */
export function groupExists(group: number): boolean {
  return reaches(-group);
}

/** For kill(2), 0 is the group of the caller and -1 is every process. */
function reaches(target: number): boolean {
  if (Math.abs(target) <= 1) throw new RangeError(`not a process or group: ${target}`);
  try {
    process.kill(target, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Sends a signal to a process, or to a group by its negative number. Does nothing when the target
 * is gone or belongs to another user.
 */
export function sendSignal(target: number, signal: NodeJS.Signals): void {
  if (!reaches(target)) return;
  try {
    process.kill(target, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
