import { execFile } from 'node:child_process';
import { existsSync, writeSync } from 'node:fs';

/** What the daemon tells systemd about itself, sd_notify(3). Does nothing where there is no systemd. Never throws. */
export interface ServiceNotifier {
  /** Started, or finished reloading. `systemctl start` waits for the first one. */
  ready(): void;
  reloading(): void;
  stopping(): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  /**
   * Pings at a third of WatchdogSec from this event loop until `stop` aborts: a loop that is blocked sends none, and
   * systemd ends and restarts the daemon. Keeps no process alive by itself.
   */
  startWatchdog(stop: AbortSignal): void;
}

export interface ServiceNotifierOptions {
  /** Where systemd-notify may be; the first that exists is used. */
  readonly programs?: readonly string[];
}

type Send = (message: string) => void;

/** systemd's variables for the service itself. With NotifyAccess=all a child that sees them could report for us. */
const OWN_VARIABLES = [
  'NOTIFY_SOCKET',
  'WATCHDOG_PID',
  'WATCHDOG_USEC',
  'LISTEN_PID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
];
/** sd_listen_fds(3): the first descriptor that systemd passes. */
const FIRST_DESCRIPTOR = 3;
const PROGRAMS = ['/usr/bin/systemd-notify', '/bin/systemd-notify'];

/**
 * Reads systemd's variables from `env` and deletes them there. Node has no unix datagram sockets, so the messages go
 * through the descriptor that `OpenFile=…:notify` in the unit brings (systemd 253 and newer), else by systemd-notify.
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
    // CLOCK_MONOTONIC, as sd_notify(3) asks for.
    reloading: () => send(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => send('STOPPING=1'),
    status: (text) => send(`STATUS=${text.replaceAll(/\s+/g, ' ')}`),
    startWatchdog: (stop) => {
      if (pingMs > 0 && !stop.aborted) {
        const timer = setInterval(() => send('WATCHDOG=1'), pingMs).unref();
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
      // One after another: STATUS must not overtake READY.
      previous = previous.then(() => runNotify(program, message.split('\n'), socket));
    }
  };
}

/** Ends well whatever happens: a READY or a ping that is lost is systemd's to miss, to report and to act on. */
function runNotify(program: string, variables: readonly string[], socket: string): Promise<void> {
  return new Promise((resolve) => {
    const options = { env: { NOTIFY_SOCKET: socket }, timeout: 10_000 };
    try {
      execFile(program, variables, options, () => resolve());
    } catch {
      resolve(); // thrown for words that no program can be given, and where no process can be started
    }
  });
}

function watchdogMicroseconds(env: NodeJS.ProcessEnv): number {
  const isOurs = [undefined, String(process.pid)].includes(env['WATCHDOG_PID']);
  const microseconds = Number(env['WATCHDOG_USEC']);
  return isOurs && Number.isSafeInteger(microseconds) ? microseconds : 0;
}
