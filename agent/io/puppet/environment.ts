import { userInfo } from 'node:os';
import { facterLibrary } from './run-directory/paths.ts';

export const SYSTEM_PATH =
  '/opt/puppetlabs/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Returns the whole environment of a run. `extra` comes from the configuration of the agent, not
 * from the process that started the agent. It wins over the fixed values, except that FACTERLIB is
 * added to ours.
 */
export function runEnvironment(
  runDirectory: string | undefined,
  extra: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const facts = runDirectory === undefined ? [] : [facterLibrary(runDirectory)];
  const { FACTERLIB: extraLibrary } = extra;
  const searched = [...facts, ...(extraLibrary === undefined ? [] : [extraLibrary])].join(':');
  return {
    PATH: SYSTEM_PATH,
    LANG: process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8',
    HOME: home(),
    // needrestart, which apt calls, would restart services in the middle of the run, perhaps ours.
    NEEDRESTART_SUSPEND: '1',
    ...extra,
    ...(searched === '' ? {} : { FACTERLIB: searched }),
  };
}

/** In a container the user may have an id but no entry in passwd(5). */
function home(): string {
  try {
    return userInfo().homedir;
  } catch {
    return '/';
  }
}
