import { readFileSync } from 'node:fs';
import { writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { parseExactJson } from '../core/facts/exact-json.ts';
import { NO_STATE } from '../core/state.ts';
import { HostStateSchema } from '../core/state-schema.ts';
import type { Log, StateStore } from '../ports.ts';

/**
 * Stores `state.json`. A file that cannot be read, or that does not fit the schema, is logged and
 * counts as empty; the next cycle replaces it.
 */
export function stateFile(path: string, log: Log): StateStore {
  return {
    async load() {
      try {
        return HostStateSchema.parse(parseExactJson(readFileSync(path, 'utf8')));
      } catch (error) {
        if (!isMissing(error)) {
          log.warn('state.unreadable', { path, error: String(error).slice(0, 500) });
        }
        return NO_STATE;
      }
    },
    async save(state) {
      writeFileAtomicSync(path, `${JSON.stringify(state)}\n`, { mode: 0o600 });
    },
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
