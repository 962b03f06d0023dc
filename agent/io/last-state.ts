import { readFile } from 'node:fs/promises';
import type { HostState } from '../core/state.ts';

/**
 * `state.json` as the last cycle left it, read without its schema, which would stay in the daemon's memory; undefined
 * where there is none that can be read. Never throws: the next cycle says what is wrong with it, and puts it right.
 */
export async function lastState(path: string): Promise<HostState | undefined> {
  try {
    const state: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof state === 'object' && state !== null ? (state as HostState) : undefined;
  } catch {
    return undefined;
  }
}
