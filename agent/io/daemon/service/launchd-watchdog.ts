import { type ChildProcess, spawn } from 'node:child_process';

/*
 * launchd has no watchdog: a daemon that hangs would stay. A watching thread of Node needs 9 MB; a
 * shell with sleep(1) needs 0.6 MB. The shell counts its pauses instead of the time, so that a Mac
 * that was asleep is not mistaken for a daemon that hangs.
 */

const BEAT_MS = 60_000;

/**
 * Arguments: the pause in seconds, and the number of pauses without a beat after which the parent
 * is killed. A beat is SIGCONT, which a shell that has not set its trap yet ignores. `ps` checks
 * that the parent is still the same process, because its id may have been used again. The output of
 * sleep is closed, so that a leftover sleep does not keep the log of the daemon open.
 */
const WATCHER = `missed=0
trap 'missed=0' CONT
while sleep "$1" 2>/dev/null; do
  missed=$((missed + 1))
  [ "$missed" -ge "$2" ] || continue
  [ "$(ps -o ppid= -p $$)" -eq "$PPID" ] 2>/dev/null || exit
  echo "mm-agent made no progress for $missed pauses of $1 s: its watchdog ends it, and launchd starts it again" >&2
  kill -KILL "$PPID"
  exit
done`;
const MISSED_BEATS = 5;

/**
 * Until `stop` aborts, a child process ends this process when its event loop is blocked, or when
 * `isAlive` returns false, for five minutes. launchd then starts the daemon again.
 */
export function startLaunchdWatchdog(
  stop: AbortSignal,
  isAlive: () => boolean,
  beatMs = BEAT_MS,
): void {
  if (stop.aborted) return;
  let watcher = startWatcher();
  const timer = setInterval(() => {
    if (hasEnded(watcher)) watcher = startWatcher();
    if (isAlive()) watcher.kill('SIGCONT');
  }, beatMs).unref();
  stop.addEventListener(
    'abort',
    () => {
      clearInterval(timer);
      watcher.kill();
    },
    { once: true },
  );
}

function startWatcher(): ChildProcess {
  const words = ['-c', WATCHER, 'mm-agent-watchdog', String(BEAT_MS / 1000), String(MISSED_BEATS)];
  const watcher = spawn('/bin/sh', words, { stdio: ['ignore', 'ignore', 'inherit'] });
  watcher.on('error', () => {}); // the next beat tries again
  watcher.unref();
  return watcher;
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}
