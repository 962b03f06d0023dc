import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** A test that does not end counts as failed. */
const TEST_LIMIT_MS = 60_000;
const LIMIT_MS = 3 * 60_000;

export interface TestResult {
  readonly name: string;
  readonly isGood: boolean;
}

/**
 * Runs the tests of one file whose name matches, and returns how each ended. A file that does not
 * load has no such tests.
 */
export async function runTests({
  directory,
  file,
  name,
}: {
  readonly directory: string;
  readonly file: string;
  readonly name: string;
}): Promise<TestResult[]> {
  const options = ['--test', '--test-reporter=tap', `--test-timeout=${TEST_LIMIT_MS}`];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, [...options, `--test-name-pattern=${name}`, file], {
    cwd: directory,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
    // A separate process group: it is ended with everything that a changed test leaves running.
    detached: true,
  });
  const end = () => endGroup(child.pid);
  const limit = setTimeout(end, LIMIT_MS);
  process.once('exit', end);
  try {
    const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
    return parseTap(output);
  } finally {
    clearTimeout(limit);
    process.off('exit', end);
    end();
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The process has already ended.
  }
}

function parseTap(output: string): TestResult[] {
  return [...output.matchAll(/^ *(not ok|ok) \d+ - (.*?)(?: # .*)?$/gm)].map(
    ([, end, name = '']) => ({ name: name.replaceAll('\\#', '#'), isGood: end === 'ok' }),
  );
}
