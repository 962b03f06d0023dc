import { readFileSync } from 'node:fs';
import { orUndefined } from '../../../shared/files.ts';

/** Variables that decide how the bucket is asked, and by whom. */
const NAMES = /^(AWS_\w+|HOME|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|(HTTPS?|ALL|NO)_PROXY)$/i;

/**
 * Puts the variables of the daemon in place of those of this shell: the doctor must ask the bucket
 * as the service does, which has drop-ins of systemd and another HOME than a user of sudo. Returns
 * the names that differ; undefined when the variables of the daemon cannot be read, as on macOS.
 */
export function useVariablesOf(pid: number, env: NodeJS.ProcessEnv): string[] | undefined {
  const text = orUndefined(() => readFileSync(`/proc/${pid}/environ`, 'utf8'));
  if (text === undefined) return undefined;
  const theirs = new Map(
    text.split('\0').map((entry) => {
      const [name = '', ...value] = entry.split('=');
      return [name, value.join('=')] as const;
    }),
  );
  const names = new Set([...Object.keys(env), ...theirs.keys()].filter((name) => NAMES.test(name)));
  const different = [...names].filter((name) => env[name] !== theirs.get(name)).sort();
  for (const name of different) {
    const value = theirs.get(name);
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  return different;
}
