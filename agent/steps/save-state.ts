import { messageOf } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { asFileError, readOnlyError } from '../../shared/disk-error.ts';
import type { Agent } from '../agent.ts';
import type { HostState } from '../core/state.ts';
import { withReserve } from '../disk/reserve.ts';

/**
 * Saves the state if possible, and returns whether it is saved. A disk that cannot be written must
 * neither end a run nor prevent the upload of the status: the host then only repeats some work in
 * the next cycle. `isBlocked`: the cycle has already logged that it cannot write.
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
