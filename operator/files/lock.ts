import { readFileSync, readlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '../../shared/coded-error.ts';
import { orUndefined } from '../../shared/files.ts';
import { type HeldLock, isStale, tryToLock } from '../../shared/lock/held-lock.ts';
import { type LockHolder, readHolder } from '../../shared/lock/holder.ts';

/**
 * A lock becomes free after this time when its holder may be on another machine: the directory can
 * be on a network file system, or belong to several containers.
 */
const STALE_MS = 15_000;
const ASK_AGAIN_MS = 500;

export interface LockOptions {
  readonly waitMs?: number;
  /** Called once, when another mm has the lock. */
  readonly onWait?: ((line: string) => void) | undefined;
}

/** The process that holds a lock. */
interface Holder extends LockHolder {
  /** The machine to which the pid belongs; see {@link machine}. */
  readonly machine: string | undefined;
  readonly host: string;
}

/**
 * Runs the work while no other mm works in the directory, which is made when it is missing. The
 * lock of a process that is dead is acquired at once. Waits up to `waitMs` for others, then throws
 * LOCKED.
 */
export async function withLock<T>(
  directory: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  await mkdir(directory, { recursive: true });
  const { release } = await acquire(directory, options);
  try {
    return await work();
  } finally {
    // A machine that slept has lost the lock. The bucket stays intact, because each commit uses
    // conditional writes.
    await release();
  }
}

async function acquire(
  directory: string,
  { waitMs = 60_000, onWait }: LockOptions,
): Promise<HeldLock> {
  const path = join(directory, 'lock');
  const giveUpAt = performance.now() + waitMs;
  const holder: Holder = { pid: process.pid, machine: machine(), host: hostname() };
  for (let isFirst = true; ; isFirst = false) {
    const isGone = (other: Holder) => isDead(other, holder) || isStale(path, STALE_MS);
    const request = { holder, staleMs: STALE_MS, isGone, onLost: () => undefined };
    const held = await tryToLock<Holder>(path, request);
    if (held !== undefined) return held;
    if (performance.now() >= giveUpAt) throw locked(path);
    if (isFirst) onWait?.(`${holderOf(path)} works in ${directory}: waiting for its lock`);
    await sleep(ASK_AGAIN_MS);
  }
}

/** Whether the holder has certainly ended. It is not certain when a process with its id runs. */
function isDead(other: Holder, own: Holder): boolean {
  if (other.machine === undefined || other.machine !== own.machine) return false;
  try {
    process.kill(other.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/**
 * Identifies where process ids mean the same as in this process: this boot of the kernel and this
 * namespace of process ids, because containers share the kernel. Other systems have no containers.
 * Undefined when it is not known.
 */
function machine(): string | undefined {
  if (process.platform !== 'linux') return `${hostname()} ${hardwareAddresses().join(' ')}`;
  return orUndefined(() => {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  });
}

function hardwareAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return [...new Set(all.filter(({ internal }) => !internal).map(({ mac }) => mac))].sort();
}

function holderOf(path: string): string {
  const holder = readHolder<Holder>(path);
  return holder === undefined ? 'another mm' : `process ${holder.pid} on ${holder.host}`;
}

function locked(path: string): CodedError {
  return new CodedError(`another mm is running: ${holderOf(path)} holds ${path}`, {
    code: 'LOCKED',
    next: 'wait for it, then run the same command again',
  });
}
