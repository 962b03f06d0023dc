import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { CodedError } from '../../../shared/coded-error.ts';
import { shellWord } from '../../../shared/shell-word.ts';

/** A git repository or a directory in one: git sees what is in and below it. */
export interface GitPlace {
  readonly directory: string;
  /** The environment of mm. git gets PATH, HOME and what locates its configuration. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** git is ended when it has printed nothing for so long; default {@link SILENCE_MS}. */
  readonly silenceMs?: number | undefined;
  /** Only for a place of clean-room.ts: its variables, and the repository that messages name. */
  readonly cleanRoom?:
    | { readonly variables: Readonly<Record<string, string>>; readonly repository: string }
    | undefined;
}

/**
 * The first group makes the bytes of a commit independent of the user's settings: line ends,
 * attributes, modes. The second group keeps git from starting other programs: the configuration of
 * a repository can name programs, and an unpacked module can contain such a configuration.
 */
const SETTINGS = [
  'core.autocrlf=false',
  'core.eol=lf',
  'core.attributesFile=/dev/null',
  'core.quotePath=false',
  'tar.umask=0022',
  // git would hold larger files in its memory twice.
  'core.bigFileThreshold=16m',

  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.pager=cat',
  'core.sshCommand=false',
  'core.askPass=false',
  'credential.helper=',
  'diff.external=',
  'gpg.program=false',
  'log.showSignature=false',
  'protocol.allow=never',
  'submodule.recurse=false',
  'gc.auto=0',
  'maintenance.auto=false',
];
/** A `.gitignore` that is a FIFO, or a file system that does not answer, would keep git forever. */
const SILENCE_MS = 5 * 60_000;
const MAX_STDERR = 4096;
const MAX_OUTPUT = 64 * 1024 * 1024;

/** Runs git and returns its whole output. Throws GIT_FAILED with the message of git. */
export async function git(
  place: GitPlace,
  args: readonly string[],
  input?: string,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const read = async (stdout: Readable) => {
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_OUTPUT) throw failed(place, args, `more than ${MAX_OUTPUT} bytes`);
      chunks.push(chunk);
    }
  };
  await gitStream(place, args, read, input);
  return Buffer.concat(chunks);
}

/** Runs git and returns its output as one line of text. */
export async function gitLine(
  place: GitPlace,
  args: readonly string[],
  input?: string,
): Promise<string> {
  return (await git(place, args, input)).toString('utf8').replace(/\r?\n$/, '');
}

/**
 * Like {@link gitLine}, but returns undefined when git fails: for questions that git answers by its
 * exit code.
 */
export async function gitAnswer(
  place: GitPlace,
  args: readonly string[],
  input?: string,
): Promise<string | undefined> {
  try {
    return await gitLine(place, args, input);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'GIT_FAILED') return undefined;
    throw error;
  }
}

/** Items of a `-z` output. */
export async function gitList(
  place: GitPlace,
  args: readonly string[],
  input?: string,
): Promise<string[]> {
  return (await git(place, args, input)).toString('utf8').split('\0').slice(0, -1);
}

/**
 * Runs git and passes its output to `read` as it arrives. If `read` throws while git still runs,
 * git is ended and that error counts. If git failed by itself, its own message counts: the reader
 * only saw output that ended too early. Throws GIT_FAILED.
 */
export async function gitStream<T>(
  place: GitPlace,
  args: readonly string[],
  read: (stdout: Readable) => Promise<T>,
  input = '',
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
  ended.catch(() => undefined); // awaited below; it may reject before that
  const silence = endSilent(child, place.silenceMs ?? SILENCE_MS);
  child.stdin.on('error', () => undefined); // git may end before it has read all input
  child.stdin.end(input);
  try {
    const result = await read(child.stdout).catch(async (error: unknown) => {
      if (silence.hasEnded()) throw failed(place, args, SILENT);
      if (await hasFailedAlone(child, ended)) {
        await exitOf(ended, place, args);
        throw failed(place, args, stderr.trim(), error);
      }
      throw error;
    });
    const exitCode = await exitOf(ended, place, args);
    if (silence.hasEnded()) throw failed(place, args, SILENT);
    if (exitCode === 0 || (exitCode === 1 && isComparison(args))) return result;
    throw failed(place, args, stderr.trim() || `exit code ${exitCode}`);
  } finally {
    silence.stop();
    child.kill();
    await ended.catch(() => undefined);
  }
}

/** Ends a git that prints nothing during one of the periods of that length. */
function endSilent(child: Child, silenceMs: number) {
  let seen = 0;
  let hasEnded = false;
  const timer = setInterval(() => {
    if (child.exitCode !== null) return; // only the reader is slow
    const { bytesRead } = child.stdout as Socket;
    hasEnded = bytesRead === seen;
    seen = bytesRead;
    if (hasEnded) child.kill('SIGKILL');
  }, silenceMs);
  return { hasEnded: () => hasEnded, stop: () => clearInterval(timer) };
}

const SILENT = 'it has printed nothing for minutes';

/** `git diff --no-index` exits with 1 when there are differences. */
function isComparison(args: readonly string[]): boolean {
  return args[0] === 'diff' && args.includes('--no-index');
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Whether git could not be started, or closed its output and then failed without our signal. */
async function hasFailedAlone(child: Child, ended: Promise<number | null>): Promise<boolean> {
  if (child.pid === undefined) return true;
  if (!child.stdout.readableEnded) return false;
  const exitCode = await ended.catch(() => null);
  return exitCode !== 0 && exitCode !== null;
}

function start({ directory, env, cleanRoom }: GitPlace, args: readonly string[]): Child {
  const settings = SETTINGS.flatMap((setting) => ['-c', setting]);
  return spawn('git', ['--no-optional-locks', '-C', directory, ...settings, ...args], {
    env: { ...gitEnvironment(env), ...cleanRoom?.variables },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/**
 * The variables that locate the user's configuration. CI containers set `safe.directory` by
 * GIT_CONFIG_COUNT. All other GIT_* variables are dropped: a hook sets them for its own repository.
 */
const KEPT = /^GIT_(CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)|EXEC_PATH)$/;

function gitEnvironment(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || KEPT.test(name));
  return {
    ...Object.fromEntries(kept),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_PAGER: 'cat',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ATTR_NOSYSTEM: '1',
    // `git replace` changes one clone only: with it the same commit is another tree elsewhere.
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
  place: GitPlace,
  args: readonly string[],
  why: string,
  cause?: unknown,
): CodedError {
  const directory = place.cleanRoom?.repository ?? place.directory;
  const known = KNOWN_FAILURES.find(({ pattern }) => pattern.test(why));
  const { says, next } = known ?? {
    says: () => `git ${args[0]} in ${directory}: ${why}`,
    next: `git -C ${shellWord(directory)} status`,
  };
  return new CodedError(says(directory), {
    code: 'GIT_FAILED',
    cause,
    next,
    details: { directory, arguments: args.slice(0, 20) },
  });
}

interface KnownFailure {
  readonly pattern: RegExp;
  says(directory: string): string;
  readonly next: string;
}

/**
 * For `git archive` of a directory that the commit lacks: older versions of git fail, newer ones
 * write an archive of nothing.
 */
export const NOTHING_THERE = {
  says: (directory: string) => `the commit has nothing in ${directory}`,
  next: 'set repository: in miyamoto.yaml to a directory that the commit has, or give another --ref',
};

/** What a user can have wrong before git reads anything. Patterns are those of LC_ALL=C. */
const KNOWN_FAILURES: readonly KnownFailure[] = [
  {
    pattern: new RegExp(SILENT),
    says: (directory) => `git was ended in ${directory}: ${SILENT}`,
    next: 'look there for a FIFO, which git waits for: find . -type p',
  },
  {
    pattern: /^fatal: not a git repository/,
    says: (directory) => `${directory} is not in a git repository`,
    next: 'set repository: in miyamoto.yaml to the clone; mm publish ENVIRONMENT --directory DIR needs no git',
  },
  {
    pattern: /^fatal: cannot change to /,
    says: (directory) => `there is no directory ${directory}`,
    next: 'set repository: in miyamoto.yaml to the clone of your control repository',
  },
  {
    pattern: /^fatal: this operation must be run in a work tree/,
    says: (directory) => `${directory} is a bare repository, which has no work tree`,
    next: 'mm publish ENVIRONMENT publishes a commit; give --ref, or set repository: to a clone',
  },
  {
    pattern: /^fatal: current working directory is untracked/,
    ...NOTHING_THERE,
  },
  {
    pattern: /^spawn git ENOENT$/,
    says: () => 'there is no program git on the search path',
    next: 'install git; mm publish ENVIRONMENT --directory DIR needs none',
  },
];
