import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Config } from '../../config/config.ts';
import type { Trigger } from '../../core/decide.ts';
import type { Prefetched } from '../../core/poll-result.ts';
import { ownProgram } from '../../program/self.ts';
import { VERSION } from '../../program/version.ts';

/**
 * A cycle runs in a child of the daemon: the same program with `--once`. The daemon sends what it
 * has already read to the child's stdin.
 */
export interface CycleChildOptions {
  readonly trigger: Trigger;
  readonly prefetched: Prefetched | undefined;
  /** The configuration of the daemon. A changed file counts after the next successful reload. */
  readonly config: Config;
  /** Options that the daemon itself was started with. */
  readonly passedOn: readonly string[];
  /** After this time the child is killed. Longer than every limit of the cycle itself. */
  readonly limitMs: number;
  /** Ends the cycle: the child ends Puppet, reports, and exits. */
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
  // A new process group: Ctrl-C in a terminal reaches only the daemon, which passes it on.
  const child = spawn(path, argv, { stdio: ['pipe', 'inherit', 'inherit'], detached: true });
  // Without this, a failed signal would end the daemon. A failed start rejects the wait below.
  child.on('error', () => undefined);
  sendInput(child, options);
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

function sendInput(child: ChildProcess, { prefetched, config }: CycleChildOptions): void {
  // A child that ends before it has read its input must not end the daemon.
  child.stdin?.on('error', () => undefined);
  const read = prefetched && { ...prefetched, bytes: prefetched.bytes.toString('base64') };
  child.stdin?.end(JSON.stringify({ version: VERSION, config, prefetched: read }));
}
