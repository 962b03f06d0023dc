import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { printable } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { parseJson } from '../../shared/json.ts';
import { endGroup } from '../../shared/program/process-group.ts';
import { withTemporaryDirectory } from '../files/temporary-directory.ts';
import type { PuppetRuby } from './find-puppet.ts';
import { rubySources } from './ruby/ruby-source.ts';

export interface RubyTask {
  /** The file of ruby/ to start; it loads others of the folder with `require_relative`. */
  readonly program: string;
  /** Anything that JSON can hold; `Answers.request` returns it. */
  readonly request: unknown;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Milliseconds for the whole work. */
  readonly limitMs: number;
  /** Limit in ms without an answer. Left out: there is no such limit. */
  readonly silentMs?: number;
  /** Called with each answer, in the order in which they were given. */
  onAnswer(answer: unknown): void;
  /** The work for the message of a failure, for example "while checking a.pp". */
  where?(): string;
}

const MAX_LAST_WORDS = 1500;
/** Limit of the output in characters. The rest is not read. */
const MAX_ANSWERS = 256 * 1024 ** 2;
/**
 * Variables that would load gems other than those of the packages of Puppet and OpenVox. Their
 * start script unsets the same variables.
 */
const OF_OTHER_RUBY = /^(GEM_|RUBY|BUNDLE|LD_|DLN_LIBRARY_PATH$)/;
const PACKAGED_RUBY = '/opt/puppetlabs/';
/**
 * Names of variables with credentials of mm, of an agent that signs, or of a CI runner. What is
 * compiled runs functions of modules, also of a release that another person signed.
 */
const SECRET = /TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|(ACCESS|PRIVATE|API)_?KEY|AUTH_SOCK|^MM_/i;

/**
 * Runs a Ruby program of this folder on Puppet's own Ruby, without the credentials in the
 * environment. Its temporary directory is its own.
 * Answers arrive on a separate descriptor, so that output of Ruby code cannot be taken for an
 * answer. When this returns, the program and all processes that it started have ended. Throws
 * PUPPET_FAILED when the program crashes, is too slow, or ends before `Answers.done`.
 */
export async function runRuby(puppet: PuppetRuby, task: RubyTask): Promise<void> {
  await withTemporaryDirectory('ruby', async (directory) => {
    const sources = join(directory, 'mm');
    await mkdir(sources);
    for (const [name, text] of Object.entries(rubySources())) {
      await writeFile(join(sources, name), text);
    }
    const { path, arguments: first } = puppet.ruby;
    const child = spawn(path, [...first, join(sources, task.program)], {
      cwd: directory,
      env: { ...environmentFor(puppet, task.env), TMPDIR: directory },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      // A process group of its own, so that all of its processes can be ended.
      detached: true,
    });
    try {
      await follow(child, task);
    } finally {
      endGroup(child);
    }
  });
}

function environmentFor(
  { ruby }: PuppetRuby,
  env: Readonly<NodeJS.ProcessEnv>,
): Readonly<NodeJS.ProcessEnv> {
  const isPackaged = ruby.path.startsWith(PACKAGED_RUBY);
  const kept = Object.entries(env).filter(
    ([name]) => !SECRET.test(name) && !(isPackaged && OF_OTHER_RUBY.test(name)),
  );
  return {
    ...Object.fromEntries(kept),
    LC_ALL: process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8',
  };
}

async function follow(child: ChildProcess, task: RubyTask): Promise<void> {
  const { stdin, stdout, stderr } = child;
  let words = '';
  for (const stream of [stdout, stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString('utf8')).slice(-MAX_LAST_WORDS);
    });
  }
  stdin?.on('error', () => undefined); // the program may end before it has read its request
  // Left open: when mm dies, this closes, and the program ends itself and its group.
  stdin?.write(`${JSON.stringify(task.request)}\n`);
  const { limitMs, silentMs } = task;
  let tooSlow: string | undefined;
  const endAfter = (ms: number, how: string) =>
    setTimeout(() => {
      tooSlow = `${how} within ${ms / 1000} s`;
      endGroup(child);
    }, ms);
  const limit = endAfter(limitMs, 'did not end');
  const silence = silentMs === undefined ? undefined : endAfter(silentMs, 'gave no answer');
  const onAnswer = (answer: unknown) => {
    silence?.refresh();
    task.onAnswer(answer);
  };
  try {
    const answers = readAnswers(child.stdio[3] as Readable, { ...task, onAnswer });
    const [how, isDone] = await Promise.all([endOf(child), answers]);
    if (isDone && how === 'exit code 0') return;
    throw tooSlow === undefined
      ? failed(task, `ended with ${how}`, words)
      : failed(task, tooSlow, '');
  } finally {
    clearTimeout(limit);
    clearTimeout(silence);
  }
}

/** Returns whether the last answer was `Answers.done`. */
async function readAnswers(stream: Readable, { onAnswer }: RubyTask): Promise<boolean> {
  let isDone = false;
  for await (const line of linesOf(stream)) {
    // Undefined for half a line of a killed program.
    const answer = parseJson(line);
    isDone = answer === 'done';
    if (answer !== undefined && !isDone) onAnswer(answer);
  }
  return isDone;
}

/** Splits at newlines only. `node:readline` also splits at U+2028, which JSON does not escape. */
async function* linesOf(stream: Readable): AsyncIterable<string> {
  let rest = '';
  let length = 0;
  stream.setEncoding('utf8');
  stream.on('error', () => undefined); // the program could not be started
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    length += chunk.length;
    if (length > MAX_ANSWERS) return;
  }
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => {
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
  });
}

function failed({ program, where }: RubyTask, how: string, words: string): CodedError {
  const said = words.trim() === '' ? '' : `: ${printable(words, MAX_LAST_WORDS)}`;
  const place = where === undefined ? '' : ` ${where()}`;
  return new CodedError(`${program}, run by the Ruby of Puppet, ${how}${place}${said}`, {
    code: 'PUPPET_FAILED',
    next: 'puppet --version; then try again',
  });
}
