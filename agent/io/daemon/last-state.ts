import { ownText } from '../../../shared/foreign-file.ts';
import { isJsonObject } from '../../../shared/json.ts';
import { parseExactJson } from '../../core/facts/exact-json.ts';
import type { HostState } from '../../core/state.ts';

/**
 * Returns `state.json` as the last cycle wrote it, or undefined when it cannot be read. It is not
 * checked against its schema, which would stay in the memory of the daemon. Does not throw: the
 * next cycle reports a damaged file and replaces it.
 */
export function lastState(path: string): HostState | undefined {
  try {
    // Parses as the cycle does. Otherwise the digest of a status with a large integer would differ.
    const state = parseExactJson(ownText(path) ?? '');
    return isJsonObject(state) ? (state as unknown as HostState) : undefined;
  } catch {
    return undefined;
  }
}
