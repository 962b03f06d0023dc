import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { removeLeftovers, temporaryPath } from '../../../shared/atomic-file.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { asFileError, diskCode, makeDirectorySync } from '../../../shared/disk-error.ts';
import { isFileError, orUndefined } from '../../../shared/files.ts';
import { holderPath, readHolder, readHolderFile } from '../../../shared/lock/holder.ts';
import type { Options } from '../../options.ts';
import type { HostPaths } from '../../paths.ts';
import { REQUEST_SIGNAL } from '../daemon/signals.ts';
import { commandLine, isWritable, requireWritable } from '../host/permission.ts';
import { startOf } from '../host/processes.ts';
import type { LockHolder } from './lock-holder.ts';

export interface DaemonClaim {
  readonly paths: Pick<HostPaths, 'daemon' | 'runtime' | 'state'>;
  readonly options: Pick<Options, 'argv' | 'root'>;
  /** The unit or label of the service manager that started this daemon; undefined: by hand. */
  readonly service: string | undefined;
  /** ms since 1970. */
  readonly now: number;
}

export interface DaemonHolder extends LockHolder {
  readonly service?: string;
  /**
   * The signal after which it looks for a request of `mm-agent run`. Older daemons do not handle
   * that signal, which would kill them.
   */
  readonly requestSignal?: string;
}

/**
 * Makes this process the only daemon of the host: two would both poll and apply. Its file names it
 * until it exits. The file of a killed daemon does not count, even if another process has its id by
 * now. Returns DISK_FULL or DISK_READ_ONLY when no process can make that file: no cycle can make
 * its lock then either, and this daemon can only report. Throws LOCKED when another daemon runs,
 * and PERMISSION_DENIED.
 */
export async function claimDaemon(claim: DaemonClaim): Promise<CodedError | undefined> {
  const { paths, options } = claim;
  // Must come before the permission: next to the running service, sudo would not help.
  await refuseSecond(claim);
  requireWritable([paths.state, paths.runtime], options.argv);
  try {
    await writeClaim(claim);
    return undefined;
  } catch (thrown) {
    const error = asFileError(thrown, holderPath(paths.daemon));
    if (error instanceof CodedError && diskCode(error) !== undefined) return error;
    throw error;
  }
}

async function writeClaim(claim: DaemonClaim): Promise<void> {
  const { paths, service, now } = claim;
  const file = holderPath(paths.daemon);
  const own = temporaryPath(file);
  const started = await startOf(process.pid);
  const since = new Date(now).toISOString();
  const holder: DaemonHolder = {
    ...{ pid: process.pid, started, since, requestSignal: REQUEST_SIGNAL },
    ...(service !== undefined && { service }),
  };
  makeDirectorySync(paths.runtime, 0o755);
  try {
    writeFileSync(own, JSON.stringify(holder), { flag: 'wx' });
    while (!isLinked(own, file)) {
      await refuseSecond(claim);
      await removeStale(file);
    }
  } finally {
    rmSync(own, { force: true });
  }
  removeLeftovers(file);
  process.once('exit', () => orUndefined(() => rmSync(file, { force: true })));
}

/** Whether the daemon supports requests; an older one does not know noop requests. */
export function canBeAsked(daemon: DaemonHolder): boolean {
  return daemon.requestSignal === REQUEST_SIGNAL;
}

/** The daemon that runs on this host. */
export async function findDaemon({
  daemon,
}: Pick<HostPaths, 'daemon'>): Promise<DaemonHolder | undefined> {
  const holder: DaemonHolder | undefined = readHolder(daemon);
  return (await isRunningDaemon(holder)) ? holder : undefined;
}

/** Unlike a rename, a link never replaces what is there. */
function isLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (isFileError(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Puts the file back if another daemon has claimed the host since the last look. */
async function removeStale(file: string): Promise<void> {
  const aside = temporaryPath(file);
  try {
    renameSync(file, aside);
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return;
    throw error;
  }
  if (await isRunningDaemon(readHolderFile(aside))) isLinked(aside, file);
  rmSync(aside, { recursive: true });
}

async function refuseSecond({ paths, options, service }: DaemonClaim): Promise<void> {
  const holder = await findDaemon(paths);
  if (holder === undefined) return;
  const { pid, since } = holder;
  const who = holder.service === undefined ? `process ${pid}` : `${holder.service}, process ${pid}`;
  throw new CodedError(`the agent already runs on this host as a daemon: ${who}, since ${since}`, {
    code: 'LOCKED',
    next: service === undefined ? onceCommand(paths, options.root) : `kill ${pid}`,
    details: { path: paths.daemon, pid },
  });
}

/**
 * Stricter than for a cycle's lock: an uncertain holder must not prevent the start of the service.
 */
async function isRunningDaemon(holder: LockHolder | undefined): Promise<boolean> {
  return holder?.started !== undefined && (await startOf(holder.pid)) === holder.started;
}

function onceCommand({ state, runtime }: DaemonClaim['paths'], root: string): string {
  const sudo = isWritable(state) && isWritable(runtime) ? [] : ['sudo'];
  const below = root === '/' ? [] : ['--root', root];
  return commandLine(...sudo, 'mm-agent', '--once', ...below);
}
