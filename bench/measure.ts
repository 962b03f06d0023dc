import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A command as a user would start it. */
export interface Command {
  readonly argv: readonly string[];
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface Cost {
  readonly wallSeconds: number;
  /** User and system time of the command and of all children that it waited for. */
  readonly cpuSeconds: number;
  /** The last part of what it printed on both outputs. */
  readonly output: string;
}

/** bash's `time` includes children and needs no package. Resolution: milliseconds. */
const TIMED = `TIMEFORMAT='%3R %3U %3S'
out=$1 times=$2
shift 2
{ time "$@" >"$out" 2>&1; } 2>"$times"`;

const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/**
 * Runs a command to its end. Throws with the last lines that it printed when it does not exit with
 * 0.
 */
export async function measure(
  command: Command,
  { folder, stop }: { readonly folder: string; readonly stop: AbortSignal },
): Promise<Cost> {
  stop.throwIfAborted();
  const [out, times] = [join(folder, 'output'), join(folder, 'times')];
  const child = spawn('bash', ['-c', TIMED, 'measure', out, times, ...command.argv], {
    cwd: command.cwd ?? folder,
    env: { ...command.environment, LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  const end = (): void => endGroup(child.pid);
  stop.addEventListener('abort', end, { once: true });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    stop.throwIfAborted();
    const output = await tail(out);
    if (code !== 0)
      throw new Error(`${command.argv.join(' ')} exited with ${code}:\n${lastLines(output)}`);
    return { ...parseTimes(await readFile(times, 'utf8')), output };
  } finally {
    stop.removeEventListener('abort', end);
    if (stop.aborted) await groupIsGone(child.pid);
  }
}

const LONGEST_END_MS = 40_000;

/** When mm-agent is stopped, it first ends Puppet. */
async function groupIsGone(leader: number | undefined): Promise<void> {
  const deadline = Date.now() + LONGEST_END_MS;
  while (leader !== undefined && isThere(-leader) && Date.now() < deadline) await sleep(100);
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Signals the whole process group: bash does not pass signals on. */
export function endGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, 'SIGTERM');
  } catch {} // it has ended already
}

export function parseTimes(text: string): Omit<Cost, 'output'> {
  const match = /^([\d.]+) ([\d.]+) ([\d.]+)\s*$/.exec(text);
  if (match === null) throw new Error(`bash's time printed ${JSON.stringify(text)}`);
  const [, wall, user, system] = match.map(Number);
  return { wallSeconds: wall ?? 0, cpuSeconds: (user ?? 0) + (system ?? 0) };
}

async function tail(path: string): Promise<string> {
  await using file = await open(path);
  const { size } = await file.stat();
  const length = Math.min(size, MAX_OUTPUT_BYTES);
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
  return buffer.toString();
}

function lastLines(output: string): string {
  return output.trimEnd().split('\n').slice(-8).join('\n');
}
