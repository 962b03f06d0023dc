import { startInGroup } from '../../../shared/program/process-group.ts';

export interface Asking {
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly limitMs: number;
}

const MAX_ANSWER = 64 * 1024;

/**
 * Returns what a program prints on stdout. Then, or after its time, ends what it started. Rejects
 * when the program fails, is late, or prints too much.
 */
export async function askProgram(
  path: string,
  argv: readonly string[],
  asking: Asking,
): Promise<string> {
  const { answer, end } = startInGroup(path, argv, {
    ...asking,
    cwd: '/',
    maxOutput: MAX_ANSWER,
  });
  try {
    return await answer;
  } finally {
    end();
  }
}
