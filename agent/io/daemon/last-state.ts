import { readFileSync } from 'node:fs';
import { isJsonObject } from '../../../shared/json.ts';
import type { HostState } from '../../core/state.ts';

/**
 * `state.json` as the last cycle left it, read without its schema, which would stay in the daemon's memory; undefined
 * where there is none that can be read. Never throws: the next cycle says what is wrong with it, and puts it right.
 */
export function lastState(path: string): HostState | undefined {
  try {
    const state: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isJsonObject(state) ? (state as unknown as HostState) : undefined;
  } catch {
    return undefined;
  }
}
