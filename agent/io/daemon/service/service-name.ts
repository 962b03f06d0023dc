import { readFileSync } from 'node:fs';

/** The service manager that started this process, and the name of the service. */
export interface Service {
  readonly manager: 'systemd' | 'launchd';
  /** Unit or label. */
  readonly name: string;
}

/** The unit that the packages install. */
const SYSTEMD_UNIT = 'mm-agent.service';
const LAUNCHD_PREFIX = 'com.github.miyamoto';

/** Undefined when a person started this process by hand. */
export function ownService(env: NodeJS.ProcessEnv): Service | undefined {
  const label = env['XPC_SERVICE_NAME'] ?? '';
  if (label.startsWith(LAUNCHD_PREFIX)) return { manager: 'launchd', name: label };
  // systemd sets it for a service with Type=notify.
  return env['NOTIFY_SOCKET'] === undefined ? undefined : { manager: 'systemd', name: ownUnit() };
}

/**
 * Where the log of the agent is: the journal, or the file that launchd writes. `service` is that of
 * the running daemon.
 */
export function logPlace(service: string | undefined, platform = process.platform): string {
  if (platform === 'darwin') return '/var/log/miyamoto/mm-agent.log';
  return `journalctl -u ${service ?? SYSTEMD_UNIT}`;
}

/** What a person types to start the daemon, or to start it again. */
export function serviceCommand(
  verb: 'start' | 'restart',
  platform: NodeJS.Platform = process.platform,
): string {
  if (platform !== 'darwin') return `systemctl ${verb} mm-agent`;
  return `launchctl kickstart ${verb === 'restart' ? '-k ' : ''}system/${LAUNCHD_PREFIX}.agent`;
}

/** The last part of the control group: an administrator may have given the unit another name. */
function ownUnit(): string {
  try {
    const groups = readFileSync('/proc/self/cgroup', 'utf8');
    return /\/([^/\n]+\.service)$/m.exec(groups)?.[1] ?? SYSTEMD_UNIT;
  } catch {
    return SYSTEMD_UNIT;
  }
}
