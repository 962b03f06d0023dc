import { userInfo } from 'node:os';
import { orUndefined } from '../../../shared/files.ts';
import { findUnsafe } from '../../../shared/owned-path.ts';

/**
 * Uses the home of this user when HOME is one that another user can change, as sudo leaves it on
 * macOS. The AWS files below it can name a program, and root would run that.
 */
export function useOwnHome(env: NodeJS.ProcessEnv): void {
  const { HOME: given } = env;
  if (given === undefined || findUnsafe(given) === undefined) return;
  const own = orUndefined(() => userInfo().homedir);
  if (own !== undefined) env['HOME'] = own;
}
