import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import { orUndefined, readNamed } from '../../../shared/files.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import type { PuppetInstall } from '../../ports.ts';
import { askProgram } from './ask-program.ts';
import { runEnvironment } from './environment.ts';

/** First the paths of the packages of Puppet and OpenVox, then those of distributions. */
const USUAL_PLACES = ['/opt/puppetlabs/bin/puppet', '/usr/bin/puppet'];

export interface Places {
  /** `run.puppet`. If it is set, no other place is searched. */
  readonly configured: string | undefined;
  /** Directories to search last, in the form of PATH. */
  readonly searchPath: string;
  /** Added to the environment of a run. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Finds Puppet and its version. Throws PUPPET_MISSING, with every place that was searched. */
export async function findPuppet(places: Places): Promise<PuppetInstall> {
  const looked: string[] = [];
  for (const path of candidates(places)) {
    const flaw = flawOf(path, places.configured === undefined);
    const version = flaw === undefined ? await versionOf(path, places.environment) : '';
    if (flaw === undefined && !isTooOld(version)) return { path, version };
    looked.push(`${path} (${flaw ?? `Puppet ${version}, which is older than 7`})`);
  }
  throw new CodedError(`found no Puppet to run: searched ${looked.join(', ')}`, {
    code: 'PUPPET_MISSING',
    next:
      places.configured === undefined
        ? 'apt install puppet-agent, or set run.puppet in agent.yaml to the program'
        : 'correct run.puppet in agent.yaml, or remove it to search the usual places',
  });
}

/** Facts and reports as JSON exist since Puppet 7. */
function isTooOld(version: string): boolean {
  return Number.parseInt(version, 10) < 7;
}

function candidates({ configured, searchPath }: Places): Iterable<string> {
  if (configured !== undefined) return [configured];
  const searched = searchPath.split(delimiter).filter((directory) => directory.startsWith('/'));
  return new Set([...USUAL_PLACES, ...searched.map((directory) => join(directory, 'puppet'))]);
}

/**
 * Why a program must not be run. root runs a program that it found by itself only if no other user
 * could have put it there.
 */
function flawOf(path: string, isSearched: boolean): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    const found = statSync(path);
    if (!found.isFile()) return 'no file';
    const isOthers = found.uid !== 0 || (found.mode & 0o022) !== 0;
    return isSearched && process.getuid?.() === 0 && isOthers
      ? 'users other than root may write it'
      : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'not there' : 'not executable';
  }
}

/**
 * Starting Puppet for its version costs a third of a run, so the version is read from its library,
 * where packages install it.
 */
async function versionOf(path: string, environment: Places['environment']): Promise<string> {
  const directory = dirname(realpathSync(path));
  for (const library of ['../lib/ruby/vendor_ruby', '../share/ruby/vendor_ruby']) {
    const file = join(directory, library, 'puppet/version.rb');
    const source = orUndefined(() => readNamed(file, MAX_VERSION_BYTES).toString()) ?? '';
    const version = /^\s*PUPPETVERSION\s*=\s*['"]([\w.-]+)['"]/m.exec(source)?.[1];
    if (version !== undefined) return version;
  }
  return await askVersion(path, environment);
}

const MAX_VERSION_BYTES = 1024 ** 2;

/** Starting Ruby may take long on a small or busy machine. */
const VERSION_LIMIT_MS = 60_000;

const asked = new Map<string, string>();

async function askVersion(path: string, environment: Places['environment']): Promise<string> {
  const { mtimeMs, size } = statSync(path);
  const key = `${path}:${mtimeMs}:${size}`;
  const known = asked.get(key);
  if (known !== undefined) return known;
  try {
    const env = runEnvironment(undefined, environment);
    const answer = await askProgram(path, ['--version'], { env, limitMs: VERSION_LIMIT_MS });
    const version = answer.trim().slice(0, 64);
    asked.set(key, version);
    return version;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError(`${path} does not say its version: ${why}`, {
      code: 'PUPPET_MISSING',
      cause,
      next: `${shellWord(path)} --version`,
    });
  }
}
