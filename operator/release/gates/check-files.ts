import { createWriteStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { PuppetRuby } from '../../puppet/find-puppet.ts';
import { runRuby } from '../../puppet/run-ruby.ts';
import type { FileEntry } from '../tree/tree.ts';
import type { LintSettings } from './lint-settings.ts';
import type { LoadedFile } from './loaded-files.ts';
import type { Found } from './problem.ts';

/** What the checks need to know about the release, apart from the files to check. */
export interface Surroundings {
  /** Directories of modules, without patterns. */
  readonly modulepath: readonly string[];
  readonly manifest: string | null;
  /** Name of each module to its version; null when it has none. */
  readonly present: Readonly<Record<string, string | null>>;
  /** Undefined: nothing is linted. */
  readonly lint: LintSettings | undefined;
}

export interface CheckRequest {
  readonly puppet: PuppetRuby;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly surroundings: Surroundings;
  readonly files: readonly (LoadedFile & { readonly isLinted: boolean })[];
  /** Temporary. */
  readonly directory: string;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Limit in ms without progress. */
  readonly silentMs?: number;
}

/** Versions; `lint` is null when puppet-lint is not installed, or nothing was to be linted. */
export interface Tools {
  readonly puppet: string;
  readonly ruby: string;
  readonly lint: string | null;
}

export interface Checked {
  readonly tools: Tools;
  /** Index in {@link CheckRequest.files} to what was found there. */
  readonly found: ReadonlyMap<number, readonly Found[]>;
}

const TIME_LIMIT_MS = 10 * 60_000;
/** For one file. A file can keep Puppet's parsers busy forever, and the largest need seconds. */
const SILENT_MS = 2 * 60_000;
/** Files for which another process is worth its start. */
const FILES_PER_PROCESS = 100;
const MAX_PROCESSES = 4;

const Answer = z.union([
  z.strictObject({
    tools: z.strictObject({ puppet: z.string(), ruby: z.string(), lint: z.string().nullable() }),
  }),
  z.strictObject({ at: z.tuple([z.int(), z.int()]) }),
  z.strictObject({
    problem: z.tuple([
      z.int(),
      z.enum(['error', 'warning']),
      z.int().min(1).nullable().catch(null),
      z.int().min(1).nullable().catch(null),
      z.string(),
    ]),
  }),
]);

/** Lets Puppet's Ruby check the files; gates.rb has the other end. Throws PUPPET_FAILED. */
export async function checkFiles(request: CheckRequest): Promise<Checked> {
  const { puppet, env, surroundings, files, directory, silentMs = SILENT_MS } = request;
  const contents = join(directory, 'contents');
  const offsets = await writeContents(
    contents,
    files.map(({ entry }) => entry),
  );
  const wanted = Math.ceil(files.length / FILES_PER_PROCESS);
  let tools: Tools = { puppet: '', ruby: '', lint: null };
  const found = new Map<number, Found[]>();
  const current = new Map<number, string>();
  let begun = 0;
  await runRuby(puppet, {
    program: 'gates.rb',
    request: {
      ...surroundings,
      contents,
      jobs: Math.max(1, Math.min(wanted, availableParallelism(), MAX_PROCESSES)),
      files: files.map(({ entry: { path, content }, kind, isLinted: lint }, index) => {
        return { index, path, kind, lint, offset: offsets[index], length: content.length };
      }),
    },
    ...{ env, limitMs: TIME_LIMIT_MS, silentMs },
    where: () => `while it checked ${[...current.values()].join(' and ') || 'nothing yet'}`,
    onAnswer(given) {
      const answer = Answer.parse(given);
      if ('tools' in answer) tools = answer.tools;
      else if ('at' in answer) {
        current.set(answer.at[0], files[answer.at[1]]?.entry.path ?? '');
        begun += 1;
        request.onProgress?.(begun - current.size, files.length);
      } else {
        const [index, level, line, column, message] = answer.problem;
        const before = found.get(index) ?? [];
        // Puppet's lexer warns of each escape sequence at the place of the whole string.
        const isSame = (each: Found) =>
          each.line === line && each.column === column && each.message === message;
        if (!before.some(isSame)) found.set(index, [...before, { level, line, column, message }]);
      }
    },
  });
  return { tools, found };
}

/** Writes all contents into one file and returns where each begins. */
async function writeContents(path: string, files: readonly FileEntry[]): Promise<number[]> {
  const offsets: number[] = [];
  let offset = 0;
  for (const { content } of files) {
    offsets.push(offset);
    offset += content.length;
  }
  const bytes = function* () {
    for (const { content } of files) yield content.read();
  };
  await pipeline(Readable.from(bytes()), createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  return offsets;
}
