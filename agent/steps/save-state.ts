import { messageOf } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { asFileError, readOnlyError } from '../../shared/disk-error.ts';
import type { Agent } from '../agent.ts';
import type { HostState } from '../core/state.ts';
import { withReserve } from '../disk/reserve.ts';

/**
 * Saves the state if possible. A disk that cannot be written must neither end a run nor prevent the
 * upload of the status. The host then remembers less, and the next cycle does something twice.
 * Returns whether it is saved. `isBlocked`: the cycle has logged already that it cannot write.
 */
export async function saveState(
  { ports, paths }: Pick<Agent, 'ports' | 'paths'>,
  state: HostState,
  isBlocked = false,
): Promise<boolean> {
  try {
    await withReserve(paths, 'files', () => ports.state.save(state));
    return true;
  } catch (thrown) {
    const error = readOnlyError(paths.state) ?? asFileError(thrown, paths.stateFile);
    const { code, next } = error instanceof CodedError ? error : {};
    const fields = { path: paths.stateFile, code, error: messageOf(error), next };
    ports.log[isBlocked ? 'debug' : 'error']('state.not-saved', fields);
    return false;
  }
}
