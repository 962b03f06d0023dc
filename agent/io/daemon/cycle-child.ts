import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Config } from '../../config/config.ts';
import type { Trigger } from '../../core/decide.ts';
import type { Prefetched } from '../../core/poll-result.ts';
import { ownProgram } from '../../program/self.ts';
import { VERSION } from '../../program/version.ts';

/** A cycle as a child of the daemon: the same program with `--once`, and what the daemon read already on its stdin. */
export interface CycleChildOptions {
  readonly trigger: Trigger;
  readonly prefetched: Prefetched | undefined;
  /** As the daemon knows it: a file that was changed since counts from the next good reload on. */
  readonly config: Config;
  /** Options that the daemon itself was started with. */
  readonly passedOn: readonly string[];
  /** Above any limit that the cycle keeps itself; then it is killed. */
  readonly limitMs: number;
  /** Ends the cycle: it ends Puppet, reports, and goes. */
  readonly stop: AbortSignal;
}

export type CycleChildEnd =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'killed'; readonly signal: string };

/** Rejects when the child cannot be started. */
export async function runCycleChild(options: CycleChildOptions): Promise<CycleChildEnd> {
  const { path, argv } = ownProgram(
    '--once',
    `--trigger=${options.trigger}`,
    '--daemon-input',
    ...options.passedOn,
  );
  // A group of its own: Ctrl-C in a terminal reaches the daemon alone, which passes it on.
  const child = spawn(path, argv, { stdio: ['pipe', 'inherit', 'inherit'], detached: true });
  // A signal that cannot be sent is no error of the daemon's; one at the start ends the wait below.
  child.on('error', () => undefined);
  hand(child, options);
  const terminate = (): void => void child.kill('SIGTERM');
  options.stop.addEventListener('abort', terminate, { once: true });
  const limit = setTimeout(() => child.kill('SIGKILL'), options.limitMs);
  try {
    const [exitCode, signal] = (await once(child, 'exit')) as [number | null, string | null];
    if (exitCode !== null) return { kind: 'exited', exitCode };
    return { kind: 'killed', signal: signal ?? 'unknown' };
  } finally {
    clearTimeout(limit);
    options.stop.removeEventListener('abort', terminate);
  }
}

function hand(child: ChildProcess, { prefetched, config }: CycleChildOptions): void {
  // A child that ended before it read is not an error of the daemon's.
  child.stdin?.on('error', () => undefined);
  const read = prefetched && { ...prefetched, bytes: prefetched.bytes.toString('base64') };
  child.stdin?.end(JSON.stringify({ version: VERSION, config, prefetched: read }));
}
