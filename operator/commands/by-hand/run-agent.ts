import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { LocalRun } from '../../../bucket/documents/local-run.ts';
import { CodedError, DISPOSITION, type ErrorCode } from '../../../shared/coded-error.ts';
import { parseJson } from '../../../shared/json.ts';
import type { Context } from '../../context.ts';

const running = new Set<ChildProcess>();

/**
 * Runs `mm-agent --apply` and returns what it printed. Its log, with the lines of Puppet, goes to
 * stderr as it comes. Throws AGENT_MISSING, and the errors of the agent as they are.
 */
export async function runAgent(
  { agentCommand, env }: Pick<Context, 'agentCommand' | 'env'>,
  args: readonly string[],
): Promise<Exclude<LocalRun, { kind: 'error' }>> {
  const [program, ...words] = agentCommand ?? [];
  if (program === undefined) {
    throw new CodedError(
      'mm apply runs Puppet by mm-agent, and it is neither beside this mm nor in /usr/bin or /usr/local/bin',
      {
        code: 'AGENT_MISSING',
        next: 'apt install ./miyamoto-agent_*.deb (its daemon need not run); from a checkout: npm install --global . gives both programs; then the same command again',
      },
    );
  }
  const child = spawn(program, [...words, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  try {
    const ended = once(child, 'close');
    const [printed] = await Promise.all([text(child.stdout), ended]);
    return resultOf(printed, child.exitCode);
  } finally {
    running.delete(child);
  }
}

function resultOf(printed: string, exitCode: number | null) {
  const line = printed.trim().split('\n').at(-1) ?? '';
  const parsed = LocalRun.safeParse(parseJson(line));
  if (!parsed.success) {
    throw new CodedError(`mm-agent ended with exit code ${exitCode} and without a result`, {
      code: 'PUPPET_FAILED',
      next: 'read what it wrote above; both programs must be of the same version',
    });
  }
  const { data } = parsed;
  if (data.kind !== 'error') return data;
  const { message, next } = data;
  const code = isErrorCode(data.code) ? data.code : 'PUPPET_FAILED';
  throw new CodedError(message, { code, ...(next !== null && { next }) });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(DISPOSITION, code);
}

/** Ends the agents that run, and with them their Puppet. A signal that ends mm calls it. */
export async function endAgents(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      await ended;
    }),
  );
}
