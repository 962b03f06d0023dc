import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { orUndefined } from '../../../shared/files.ts';

/** A process as the host's table has it; zombies are not in it. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** When it started, in the system's own words; with the pid it names a process for good. */
  readonly started: string;
}

/** Every process that this one may see. */
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

/** proc_pid_stat(5). The name in parentheses may hold anything, so the fields are counted from its end. */
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

/** The command line of a process, its words joined by spaces; empty when it is gone or hidden. */
export async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    const words = orUndefined(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '';
    return words.replaceAll('\0', ' ');
  }
  const ps = promisify(execFile)('/bin/ps', ['-wwo', 'command=', '-p', String(pid)]);
  return await ps.then(({ stdout }) => stdout).catch(() => '');
}

/** Whether a process is there and not merely a zombie that nobody waits for. */
export function isRunning(pid: number): boolean {
  if (!reaches(pid)) return false;
  if (process.platform !== 'linux') return true;
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1')) !== undefined;
  } catch {
    // Hidden by hidepid or ProtectProc=, or gone in this moment: then the next look says so.
    return true;
  }
}

/** When a process started, as {@link ProcessRow} says it; undefined when it is gone or hidden. */
export async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    return (await processTable()).find((row) => row.pid === pid)?.started;
  }
  const stat = orUndefined(() => readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? '';
  return parseStat(stat)?.started;
}

/** Whether any process is in the group; zombies count. */
export function groupExists(group: number): boolean {
  return reaches(-group);
}

/** kill(2) takes 0 for the caller's own group and -1 for everybody. */
function reaches(target: number): boolean {
  if (Math.abs(target) <= 1) throw new RangeError(`not a process or group: ${target}`);
  try {
    process.kill(target, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Sends a signal to a process, or to a group by its negative; one that is gone or out of reach is passed over. */
export function sendSignal(target: number, signal: NodeJS.Signals): void {
  if (!reaches(target)) return;
  try {
    process.kill(target, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
