import { CodedError } from '../../../shared/coded-error.ts';
import { foreignText } from '../../../shared/foreign-file.ts';
import { readHolder } from '../../../shared/lock/holder.ts';
import { readClockFloor } from '../../../trust/kept/trust-directory.ts';
import { parseDaemonNote } from '../../core/status/daemon-note.ts';
import type { WhyView } from '../../core/status/why-text.ts';
import { systemClock } from '../../io/clock.ts';
import { MAX_NOTE_BYTES } from '../../io/daemon/daemon-notes.ts';
import { logPlace, serviceCommand } from '../../io/daemon/service/service-name.ts';
import { requireReadable } from '../../io/host/permission.ts';
import { findDaemon } from '../../io/locks/daemon-claim.ts';
import { isAlive, type LockHolder } from '../../io/locks/lock-holder.ts';
import { agentLog } from '../../io/log.ts';
import { stateFile } from '../../io/state-file.ts';
import type { Options } from '../../options.ts';
import { localPaths } from '../../paths.ts';
import { readDisabled } from '../../steps/disabled.ts';

/**
 * The last status of this host, and what only the host itself knows: its daemon, its locks and what
 * the daemon noted. Throws STATUS_INVALID before the first cycle, and PERMISSION_DENIED.
 */
export async function readLocal(options: Options, env: NodeJS.ProcessEnv): Promise<WhyView> {
  const paths = localPaths(options.root);
  const log = agentLog(options, { level: 'warn', format: 'text' }, env);
  // Without this check, an unreadable file would look like a host that never ran a cycle.
  requireReadable(paths.stateFile, options.argv);
  const { status, uploaded, decision } = await stateFile(paths.stateFile, log).load();
  if (status === null) {
    throw new CodedError(`no cycle has ended on this host yet: ${paths.stateFile} has no status`, {
      code: 'STATUS_INVALID',
      next: 'mm-agent --once',
    });
  }
  const daemon = await findDaemon(paths);
  const floor = readClockFloor(paths.trust);
  return {
    ...status,
    ...parseDaemonNote(foreignText(paths.lastCheck, MAX_NOTE_BYTES)),
    disabled: readDisabled(paths, { clock: systemClock, log }),
    decision,
    uploadedAt: uploaded?.at ?? null,
    clockFloorAt: floor === 0 ? null : new Date(floor).toISOString(),
    cycleUnderWay: await isLockHeld(paths.lock),
    daemon:
      daemon === undefined
        ? null
        : { pid: daemon.pid, since: daemon.since, service: daemon.service ?? null },
    log: logPlace(daemon?.service),
    startCommand: serviceCommand('start'),
  };
}

/** A killed agent leaves its lock, so the holder must be alive. */
async function isLockHeld(lock: string): Promise<boolean> {
  const holder = readHolder<LockHolder>(lock);
  return holder !== undefined && (await isAlive(holder));
}
