import { spawn } from 'node:child_process';
import { sendSignal } from '../host/processes.ts';

export interface Asking {
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly limitMs: number;
}

const MAX_ANSWER = 64 * 1024;
/** For what a program has printed right before its end. */
const REST_MS = 500;

/**
 * Returns what a program prints on stdout. Ends it after its time, with its process group: the time
 * limit of execFile ends one process, and then waits for its children, which hold stdout open.
 * Rejects when the program fails, is late, or prints too much.
 */
export async function askProgram(
  path: string,
  argv: readonly string[],
  { env, limitMs }: Asking,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(path, argv, {
    cwd: '/',
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { pid, stdout } = child;
  const end = (): void => {
    if (pid !== undefined) sendSignal(-pid, 'SIGKILL');
    stdout.destroy();
  };
  const refuse = (why: string): void => {
    reject(new Error(why));
    end();
  };
  let timer = setTimeout(() => refuse(`no answer within ${limitMs / 1000} s`), limitMs);
  let answer = '';
  stdout.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
    if (answer.length > MAX_ANSWER) refuse(`it printed more than ${MAX_ANSWER} characters`);
  });
  child.once('error', reject);
  child.once('exit', () => {
    clearTimeout(timer);
    timer = setTimeout(end, REST_MS);
  });
  child.once('close', (code, signal) => {
    clearTimeout(timer);
    if (code === 0) resolve(answer);
    else reject(new Error(`it ended with ${signal ?? `exit code ${code}`}`));
  });
  return await promise;
}
