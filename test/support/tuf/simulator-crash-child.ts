import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import type { MetadataSource } from '../../../trust/metadata/source.ts';
import { refresh } from '../../../trust/reader.ts';

/*
 * Refreshes until it is killed; each refresh writes something:
 * `<folder> <directory> <first state>`. The folder holds the union of all versioned files,
 * `<n>.timestamp.json` for each state of the bucket, and in `roots` the newest root of each state.
 */
const [folder = '', directory = '', first = '0'] = process.argv.slice(2);
const NOW = Date.UTC(2040, 0, 1);
const newestRoots: number[] = JSON.parse(readFileSync(join(folder, 'roots'), 'utf8'));

process.on('disconnect', () => process.exit(0));

for (let turn = 0; ; turn += 1) {
  // At most one state further: the next child starts there, and the bucket must never go back.
  const state = Math.min(newestRoots.length - 1, Number(first) + Math.min(1, Math.floor(turn / 2)));
  const source: MetadataSource = {
    async get(file) {
      const root = /^(\d+)\.root\.json$/.exec(file)?.[1];
      if (Number(root ?? 0) > newestRoots[state]!) throw missing(file);
      return readFromFolder(file === 'timestamp.json' ? `${state}.timestamp.json` : file);
    },
  };
  await refresh({
    directory,
    packagedRoot: readFileSync(join(folder, '1.root.json')),
    // Sometimes the other environment: its file appears and disappears, so that every turn writes.
    environments: turn % 2 === 0 ? ['stable'] : ['stable', 'testing'],
    source,
    etag: undefined,
    clock: { now: () => NOW },
  });
  process.send?.(state);
}

function readFromFolder(file: string): Awaited<ReturnType<MetadataSource['get']>> {
  try {
    const bytes = readFileSync(join(folder, file));
    return { kind: 'object', bytes, etag: file, serverDate: undefined };
  } catch (cause) {
    throw missing(file, cause);
  }
}

function missing(file: string, cause?: unknown): CodedError {
  return new CodedError(`no ${file}`, { code: 'S3_NOT_FOUND', cause });
}
