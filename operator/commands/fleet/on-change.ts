import { messageOf } from '../../../shared/clean-text.ts';
import { startInGroup } from '../../../shared/program/process-group.ts';
import type { StateChange } from '../../fleet/state-changes.ts';

/** What a command of `--on-change` reads from stdin, as one line of JSON. */
export interface ChangeDocument {
  readonly schemaVersion: 1;
  readonly bucket: string;
  readonly tree: string;
  readonly at: string;
  /** At most 1,000. */
  readonly changes: readonly StateChange[];
  /** How many there are. */
  readonly total: number;
}

const LIMIT_MS = 30_000;

/**
 * Runs a command of the user's shell with a document on stdin. Returns what went wrong, or
 * undefined. It never throws: a watch goes on without its receiver. What the command prints goes to
 * stderr, because stdout has the answer of mm.
 */
export async function runOnChange(
  command: string,
  document: ChangeDocument,
  { cwd, env, limitMs = LIMIT_MS }: Place,
): Promise<string | undefined> {
  const input = `${JSON.stringify(document)}\n`;
  const options = { cwd, env, limitMs, input, stderr: 'inherit' } as const;
  try {
    await startInGroup('/bin/sh', ['-c', command], options).answer;
    return undefined;
  } catch (error) {
    return messageOf(error, 300);
  }
}

interface Place {
  readonly cwd: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly limitMs?: number;
}
