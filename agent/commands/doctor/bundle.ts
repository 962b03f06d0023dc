import { rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar/header';
import { asciiJson } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { fileProblem } from '../../../shared/file-problem.ts';
import { isFileError, withOpenFile } from '../../../shared/files.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import type { HostState } from '../../core/state.ts';
import { systemClock } from '../../io/clock.ts';
import { readHistory, readKeptOutput } from '../../io/run-history.ts';
import type { HostPaths } from '../../paths.ts';

/** How many of the last runs have their output in the bundle. */
const MOST_OUTPUTS = 5;

export interface Bundle {
  readonly paths: HostPaths;
  /** What `doctor --json` prints, and its text. */
  readonly answer: unknown;
  readonly lines: readonly string[];
  readonly state: HostState;
  /** What the agent has logged. */
  readonly journal: string | undefined;
  /** Hides the secrets of this host. */
  readonly hide: (text: string) => string;
}

/**
 * Writes an archive for a bug report: what the doctor found, the state, the last runs and the end
 * of the log. It has no facts and no file of the host but those of the agent. Every text in it goes
 * through `hide`. Only this user can read it. Throws FILE_FAILED, also for a file that exists.
 */
export function writeBundle(file: string, bundle: Bundle): string {
  const path = resolve(file);
  const bytes = gzipSync(Buffer.concat([...entries(bundle), Buffer.alloc(2 * BLOCK)]));
  try {
    withOpenFile(path, 'wx', 0o600, (fd) => {
      try {
        writeFileSync(fd, bytes);
      } catch (error) {
        rmSync(path, { force: true });
        throw error;
      }
    });
  } catch (cause) {
    const isThere = isFileError(cause, 'EEXIST');
    const { why, next } = isThere
      ? {
          why: `there is ${path} already`,
          next: `ls -l ${shellWord(path)}; then give another name`,
        }
      : fileProblem(path, cause);
    throw new CodedError(`cannot write the bundle: ${why}`, { code: 'FILE_FAILED', cause, next });
  }
  return path;
}

function* entries({ paths, answer, lines, state, journal, hide }: Bundle): Iterable<Buffer> {
  const json = (value: unknown) => `${asciiJson(hidden(value, hide), 2)}\n`;
  yield* entry('doctor.txt', `${lines.map(hide).join('\n')}\n`);
  yield* entry('doctor.json', json(answer));
  yield* entry('state.json', json({ ...state, status: withoutFacts(state.status) }));
  const history = readHistory(paths.history);
  yield* entry('history.json', json(history));
  if (journal !== undefined) yield* entry('journal.log', hide(journal));
  for (const { run } of history.slice(0, MOST_OUTPUTS)) {
    const output = readKeptOutput(paths.history, run.id);
    if (output !== undefined) yield* entry(`output/${run.id}.log`, hide(output));
  }
}

/** The values of facts may say more about a host than its owner wants to tell. */
function withoutFacts(status: HostState['status']): unknown {
  return status && { ...status, facts: Object.keys(status.facts) };
}

function hidden(value: unknown, hide: (text: string) => string): unknown {
  if (typeof value === 'string') return hide(value);
  if (Array.isArray(value)) return value.map((each) => hidden(each, hide));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [hide(name), hidden(inner, hide)]),
  );
}

const BLOCK = 512;

function entry(path: string, text: string): Buffer[] {
  const content = Buffer.from(text);
  const header = Buffer.alloc(BLOCK);
  const mtime = new Date(systemClock.now());
  new Header({ path, type: 'File', mode: 0o600, size: content.length, mtime }).encode(header);
  return [header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
}
