import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../bucket/atomic-file.ts';
import { HostState, NO_STATE } from '../core/state.ts';
import type { Log, StateStore } from '../ports.ts';

/** `state.json`. One that cannot be read is put right by the next cycle: it is logged and counts as empty. */
export function stateFile(path: string, log: Log): StateStore {
  return {
    async load() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        if (!isMissing(error)) log.warn('state.unreadable', { path, error: String(error) });
        return NO_STATE;
      }
      try {
        return HostState.parse(JSON.parse(text));
      } catch (error) {
        log.warn('state.unreadable', { path, error: String(error).slice(0, 500) });
        return NO_STATE;
      }
    },
    async save(state) {
      await writeFileAtomic(path, `${JSON.stringify(state)}\n`, { mode: 0o600 });
    },
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
