import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { CodedError } from '../../shared/coded-error.ts';

/** A git repository or a directory in one: git looks at what is at and below it. */
export interface GitPlace {
  readonly directory: string;
  /** The environment of mm, for PATH and HOME. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/**
 * The same bytes for the same commit on every machine: no line ends, attributes or modes by the user's own settings.
 * Nothing here writes to the repository, takes a lock in it, or asks a question.
 */
const SETTINGS = [
  'core.autocrlf=false',
  'core.eol=lf',
  'core.attributesFile=/dev/null',
  'core.quotePath=false',
  'tar.umask=0022',
];
const MAX_STDERR = 4096;
const MAX_OUTPUT = 64 * 1024 * 1024;

/** What git prints, whole. Throws GIT_FAILED with git's own words. */
export async function git(place: GitPlace, args: readonly string[]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  await gitStream(place, args, async (stdout) => {
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_OUTPUT) throw failed(place, args, `more than ${MAX_OUTPUT} bytes`);
      chunks.push(chunk);
    }
  });
  return Buffer.concat(chunks);
}

/** Runs git and hands its output over as it comes; when the reader fails, git is ended. Throws GIT_FAILED. */
export async function gitStream<T>(
  place: GitPlace,
  args: readonly string[],
  read: (stdout: Readable) => Promise<T>,
): Promise<T> {
  const child = start(place, args);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(0, MAX_STDERR);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  // What the reader throws counts first; without this the other rejection would be nobody's.
  ended.catch(() => undefined);
  try {
    const result = await read(child.stdout);
    const exitCode = await exitOf(ended, place, args);
    if (exitCode === 0) return result;
    throw failed(place, args, stderr.trim() || `exit code ${exitCode}`);
  } finally {
    child.kill();
    await ended.catch(() => undefined);
  }
}

function start(
  { directory, env }: GitPlace,
  args: readonly string[],
): ChildProcessByStdio<null, Readable, Readable> {
  const settings = SETTINGS.flatMap((setting) => ['-c', setting]);
  return spawn('git', ['--no-optional-locks', '-C', directory, ...settings, ...args], {
    env: gitEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** What of git's own variables is about the machine. The rest a hook sets for the repository that it runs in. */
const KEPT = /^GIT_(CONFIG_(GLOBAL|SYSTEM|NOSYSTEM)|EXEC_PATH)$/;

function gitEnvironment(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || KEPT.test(name));
  return {
    ...Object.fromEntries(kept),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    // `git replace` is a matter of one clone: with it the same commit would be another tree elsewhere.
    GIT_NO_REPLACE_OBJECTS: '1',
  };
}

async function exitOf(
  ended: Promise<number | null>,
  place: GitPlace,
  args: readonly string[],
): Promise<number | null> {
  try {
    return await ended;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw failed(place, args, why, cause);
  }
}

function failed(
  { directory }: GitPlace,
  args: readonly string[],
  why: string,
  cause?: unknown,
): CodedError {
  return new CodedError(`git ${args[0]} in ${directory}: ${why}`, {
    code: 'GIT_FAILED',
    cause,
    next: `git -C ${directory} status`,
    details: { directory, arguments: args.slice(0, 20) },
  });
}
