import { type ChildProcess, spawn } from 'node:child_process';

export interface GroupOptions {
  readonly cwd?: string | undefined;
  /** The whole environment. Left out: that of this process. */
  readonly env?: Readonly<NodeJS.ProcessEnv> | undefined;
  /** What an error calls the program. Left out: "it". */
  readonly name?: string | undefined;
  /** What the program reads from stdin. Left out: nothing. */
  readonly input?: string | undefined;
  /** Limit of stdout in characters. Left out: stdout goes to the stderr of this process. */
  readonly maxOutput?: number | undefined;
  /** Receives stderr. `inherit`: it goes to the stderr of this process. Left out: it is dropped. */
  readonly stderr?: 'inherit' | ((text: string) => void) | undefined;
  /** Left out: only `end` ends the program. */
  readonly limitMs?: number | undefined;
}

export interface GroupLeader {
  /** What the program printed on stdout. Rejects when it fails, is late, or prints too much. */
  readonly answer: Promise<string>;
  /** Ends the program and its children. */
  end(): void;
}

/** In ms. A program that has ended has written everything; reading it takes less. */
const READING_MS = 250;

/**
 * Starts a program as the leader of a process group. Its time limit kills the whole group; the
 * limit of execFile kills one process, and then waits for the children that hold stdout open. The
 * group is also killed when this process ends. Processes that a successful program leaves behind
 * run until `end` is called, and `answer` does not wait for them.
 */
export function startInGroup(
  path: string,
  argv: readonly string[],
  { cwd, env, name = 'it', input, maxOutput, stderr, limitMs }: GroupOptions,
): GroupLeader {
  const { promise: answer, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(path, argv, {
    ...(cwd !== undefined && { cwd }),
    ...(env !== undefined && { env: { ...env } }),
    detached: true,
    stdio: [
      input === undefined ? 'ignore' : 'pipe',
      maxOutput === undefined ? 2 : 'pipe',
      stderr === undefined ? 'ignore' : stderr === 'inherit' ? 2 : 'pipe',
    ],
  });
  const end = () => endGroup(child);
  const stopReading = () => {
    for (const stream of child.stdio) stream?.destroy();
  };
  const refuse = (why: string): void => {
    reject(new Error(`${name} ${why}`));
    end();
    stopReading();
  };
  const limit =
    limitMs && setTimeout(() => refuse(`had not ended after ${limitMs / 1000} s`), limitMs);
  let reading: NodeJS.Timeout | undefined;
  process.once('exit', end);
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > (maxOutput ?? 0)) refuse(`printed more than ${maxOutput} characters`);
  });
  if (typeof stderr === 'function') child.stderr?.setEncoding('utf8').on('data', stderr);
  // The program need not read its stdin.
  child.stdin?.on('error', () => undefined).end(input);
  child.once('error', reject);
  child.once('exit', () => {
    reading = setTimeout(stopReading, READING_MS);
  });
  child.once('close', (code, signal) => {
    if (code === 0) resolve(output);
    else reject(new Error(`${name} ended with ${signal ?? `exit code ${code}`}`));
  });
  const release = () => {
    clearTimeout(limit);
    clearTimeout(reading);
    process.removeListener('exit', end);
  };
  answer.then(release, release);
  return { answer, end };
}

/** Ends a program that was started with `detached`, and its children. */
export function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // All of them have ended.
  }
}
