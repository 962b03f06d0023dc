import { execFile } from 'node:child_process';
import { existsSync, writeSync } from 'node:fs';

/**
 * Sends the state of the daemon to systemd, sd_notify(3). Does nothing without systemd. Does not
 * throw.
 */
export interface ServiceNotifier {
  /** The daemon has started or finished reloading. `systemctl start` waits for the first one. */
  ready(): void;
  reloading(): void;
  stopping(): void;
  /** The `Status:` line of `systemctl status`. */
  status(text: string): void;
  /**
   * Pings at a third of WatchdogSec from this event loop until `stop` aborts, as long as `isAlive`
   * returns true. A blocked event loop sends no ping either. systemd then ends and restarts the
   * daemon. The timer does not keep the process alive.
   */
  startWatchdog(stop: AbortSignal, isAlive?: () => boolean): void;
}

export interface ServiceNotifierOptions {
  /** Paths of systemd-notify. The first that exists is used. */
  readonly programs?: readonly string[];
}

type Send = (message: string) => void;

/**
 * systemd sets these variables for the service itself. With NotifyAccess=all, a child that has them
 * could report in the name of the service.
 */
const OWN_VARIABLES = [
  'NOTIFY_SOCKET',
  'WATCHDOG_PID',
  'WATCHDOG_USEC',
  'LISTEN_PID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
];
/** sd_listen_fds(3): the number of the first descriptor that systemd passes. */
const FIRST_DESCRIPTOR = 3;
const PROGRAMS = ['/usr/bin/systemd-notify', '/bin/systemd-notify'];

/**
 * Reads the variables of systemd from `env` and deletes them there. Node has no unix datagram
 * sockets. The messages go to the descriptor that `OpenFile=…:notify` in the unit opens (systemd
 * 253 and newer), otherwise through systemd-notify.
 */
export function serviceNotifier(
  env: NodeJS.ProcessEnv,
  options: ServiceNotifierOptions = {},
): ServiceNotifier {
  const send = sender(env, options.programs ?? PROGRAMS);
  const pingMs = watchdogMicroseconds(env) / 3000;
  for (const name of OWN_VARIABLES) {
    delete env[name];
  }
  return {
    ready: () => send('READY=1'),
    // sd_notify(3) requires the time of CLOCK_MONOTONIC.
    reloading: () => send(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => send('STOPPING=1'),
    status: (text) => send(`STATUS=${text.replaceAll(/\s+/g, ' ')}`),
    startWatchdog: (stop, isAlive = () => true) => {
      if (pingMs > 0 && !stop.aborted) {
        const ping = (): void => {
          if (isAlive()) send('WATCHDOG=1');
        };
        const timer = setInterval(ping, pingMs).unref();
        stop.addEventListener('abort', () => clearInterval(timer), { once: true });
      }
    },
  };
}

function sender(env: NodeJS.ProcessEnv, programs: readonly string[]): Send {
  const socket = env['NOTIFY_SOCKET'];
  if (!socket) {
    return () => {};
  }
  const byProgram = programSender(socket, programs);
  const descriptor = notifyDescriptor(env);
  if (descriptor === undefined) {
    return byProgram;
  }
  return (message) => {
    try {
      writeSync(descriptor, message); // a datagram socket: one write is one message
    } catch {
      byProgram(message);
    }
  };
}

function notifyDescriptor(env: NodeJS.ProcessEnv): number | undefined {
  const index = (env['LISTEN_FDNAMES'] ?? '').split(':').indexOf('notify');
  return env['LISTEN_PID'] === String(process.pid) && index >= 0
    ? FIRST_DESCRIPTOR + index
    : undefined;
}

function programSender(socket: string, programs: readonly string[]): Send {
  const program = programs.find((path) => existsSync(path));
  let previous: Promise<void> = Promise.resolve();
  return (message) => {
    if (program !== undefined) {
      // In order: STATUS must not overtake READY.
      previous = previous.then(() => runNotify(program, message.split('\n'), socket));
    }
  };
}

/** Resolves in any case. systemd itself notices a missing READY or ping, and acts on it. */
function runNotify(program: string, variables: readonly string[], socket: string): Promise<void> {
  return new Promise((resolve) => {
    const options = { env: { NOTIFY_SOCKET: socket }, timeout: 10_000 };
    try {
      execFile(program, variables, options, () => resolve());
    } catch {
      resolve(); // execFile throws for arguments with a NUL, and when there are too many processes
    }
  });
}

function watchdogMicroseconds(env: NodeJS.ProcessEnv): number {
  const isOurs = [undefined, String(process.pid)].includes(env['WATCHDOG_PID']);
  const microseconds = Number(env['WATCHDOG_USEC']);
  return isOurs && Number.isSafeInteger(microseconds) ? microseconds : 0;
}
