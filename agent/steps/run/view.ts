import { rmSync } from 'node:fs';
import type { HostPaths } from '../../paths.ts';

/**
 * Removes the view of a run that has ended, because it may contain secrets of this host. After a
 * kill, the next cycle removes it. Links are removed and not followed.
 */
export function removeView({ view }: Pick<HostPaths, 'view'>): void {
  rmSync(view, { recursive: true, force: true });
}
