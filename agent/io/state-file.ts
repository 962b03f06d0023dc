import { writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { messageOf } from '../../shared/clean-text.ts';
import { MAX_OWN_BYTES, readForeignFile } from '../../shared/foreign-file.ts';
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
      const file = readForeignFile(path, MAX_OWN_BYTES);
      if (file.kind === 'missing') return NO_STATE;
      try {
        if (file.kind === 'refused') throw new Error(file.why);
        return HostStateSchema.parse(parseExactJson(file.bytes.toString()));
      } catch (error) {
        log.warn('state.unreadable', { path, error: messageOf(error, 500) });
        return NO_STATE;
      }
    },
    async save(state) {
      writeFileAtomicSync(path, `${JSON.stringify(state)}\n`, { mode: 0o600 });
    },
  };
}
