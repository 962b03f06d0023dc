import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { askProgram } from './ask-program.ts';
import { runEnvironment, SYSTEM_PATH } from './environment.ts';
import { findPuppet } from './find.ts';

/** Starting Ruby and resolving the name may take long on a small or busy machine. */
const PUPPET_LIMIT_MS = 30_000;
const HOSTNAME_LIMIT_MS = 2000;

/**
 * The name of this host, as `puppet config print certname` prints it, with `certname` of
 * puppet.conf and `search` of resolv.conf. Without Puppet it is the fully qualified host name, or
 * the host name alone. Never throws.
 */
export async function findCertname(configuredPuppet: string | undefined): Promise<string> {
  return (await puppetsName(configuredPuppet)) ?? (await qualifiedName());
}

async function puppetsName(configured: string | undefined): Promise<string | undefined> {
  try {
    const places = { configured, searchPath: SYSTEM_PATH, environment: {} };
    const { path } = await findPuppet(places);
    const asking = { env: runEnvironment(undefined, {}), limitMs: PUPPET_LIMIT_MS };
    return nameIn(await askProgram(path, ['config', 'print', 'certname'], asking));
  } catch {
    return undefined;
  }
}

/** The full host name as the resolver knows it, or the host name alone. Never throws. */
export async function qualifiedName(): Promise<string> {
  const name = hostname().toLowerCase();
  if (name.includes('.')) return name;
  try {
    const limit = { timeout: HOSTNAME_LIMIT_MS, killSignal: 'SIGKILL' as const };
    const { stdout } = await promisify(execFile)('hostname', ['-f'], limit);
    return nameIn(stdout) ?? name;
  } catch {
    return name;
  }
}

/** The last line that is one word: the others are messages. The dot of the root of DNS goes. */
export function nameIn(text: string): string | undefined {
  const line = text.split('\n').findLast((words) => /^\s*\S+\s*$/.test(words));
  return line?.trim().toLowerCase().replace(/\.$/, '') || undefined;
}
