import type { Agent } from '../agent.ts';
import type { HostState } from '../core/state.ts';

/**
 * Keeps the state if the disk lets us. A full or read-only disk must neither end a run nor keep the status from being
 * sent: then less is remembered, and the next cycle does something twice.
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
