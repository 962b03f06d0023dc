import type { Agent } from '../agent.ts';
import type { HostState } from '../core/state.ts';

/**
 * Saves the state if possible. A full or read-only disk must neither end a run nor prevent the
 * upload of the status. The host then remembers less, and the next cycle does something twice.
 */
export async function saveState(
  { ports, paths }: Pick<Agent, 'ports' | 'paths'>,
  state: HostState,
): Promise<void> {
  try {
    await ports.state.save(state);
  } catch (error) {
    ports.log.error('state.not-saved', { path: paths.stateFile, error: String(error) });
  }
}
