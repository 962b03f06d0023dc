import { readFileSync } from 'node:fs';
import { writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { toChecksummedJson, verifiedValue } from '../core/checksummed-json.ts';
import { type HostState, NO_STATE } from '../core/state.ts';
import type { Log, StateStore } from '../ports.ts';

/**
 * Stores `state.json`. A file that cannot be read is logged and counts as empty; the next cycle
 * replaces it. A file that the same code (`stamp`) wrote and nobody changed is not checked against
 * the schema again, because that takes longer than reading it.
 */
export function stateFile(path: string, log: Log, stamp: string | undefined): StateStore {
  return {
    async load() {
      try {
        const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
        const own = stamp === undefined ? undefined : verifiedValue(value, stamp);
        return own === undefined ? await checked(value) : (own as HostState);
      } catch (error) {
        if (!isMissing(error)) {
          log.warn('state.unreadable', { path, error: String(error).slice(0, 500) });
        }
        return NO_STATE;
      }
    },
    async save(state) {
      const text = stamp === undefined ? JSON.stringify(state) : toChecksummedJson(state, stamp);
      writeFileAtomicSync(path, `${text}\n`, { mode: 0o600 });
    },
  };
}

async function checked(value: unknown): Promise<HostState> {
  const { HostStateSchema } = await import('../core/state-schema.ts');
  return HostStateSchema.parse(value);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
