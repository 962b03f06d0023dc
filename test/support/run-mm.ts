import { run } from '../../operator/cli/run.ts';
import type { Context } from '../../operator/context.ts';

export interface MmDone {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs mm in this process, without a terminal; without `openBucket`, it may open no bucket. */
export async function runMm(
  cwd: string,
  args: readonly string[],
  more: Partial<Context> = {},
): Promise<MmDone> {
  let stdout = '';
  let stderr = '';
  const context: Context = {
    ...{ cwd, home: cwd, env: {}, user: 'ann', host: 'laptop', ask: undefined },
    now: () => Date.now(),
    notice: (line) => {
      stderr += `${line}\n`;
    },
    setLogFormat: () => undefined,
    wait: () => Promise.resolve(false),
    openBucket: () => Promise.reject(new Error('this command opens no bucket')),
    ...more,
  };
  const exitCode = await run(args, context, {
    out: (text) => {
      stdout += text;
    },
    err: (text) => {
      stderr += text;
    },
  });
  return { exitCode, stdout, stderr };
}
