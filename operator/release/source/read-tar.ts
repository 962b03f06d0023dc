import { Parser, type ReadEntry } from 'tar';
import { CodedError } from '../../../shared/coded-error.ts';
import type { TreeBuilder } from '../tree/tree-builder.ts';

/**
 * Reads a tar stream into a tree, every path below `prefix`. Returns the paths of its directories.
 * Throws ARCHIVE_UNSAFE for entries that are neither file, link nor directory, ARCHIVE_TOO_LARGE.
 */
export async function readTar(
  stdout: AsyncIterable<Buffer>,
  prefix: string,
  builder: TreeBuilder,
): Promise<ReadonlySet<string>> {
  const directories = new Set<string>();
  const parser = new Parser({ strict: true });
  const ended = new Promise<void>((resolve, reject) => {
    parser.on('end', resolve);
    parser.on('error', reject);
    parser.on('entry', (entry: ReadEntry) => {
      try {
        readEntry(entry, { prefix, builder, directories });
      } catch (error) {
        reject(error as Error);
        entry.resume();
      }
    });
  });
  ended.catch(() => undefined); // awaited below; it may reject before that
  for await (const chunk of stdout) parser.write(chunk);
  parser.end();
  await ended;
  return directories;
}

interface Into {
  readonly prefix: string;
  readonly builder: TreeBuilder;
  readonly directories: Set<string>;
}

function readEntry(entry: ReadEntry, { prefix, builder, directories }: Into): void {
  const { type, linkpath = '', mode = 0, size = 0 } = entry;
  const path = prefix + entry.path.replace(/\/$/, '');
  if (type === 'Directory') directories.add(path);
  else if (type !== 'SymbolicLink' && type !== 'File') throw unsafe(path, type);
  else if (builder.accepts(path, size)) {
    if (type === 'SymbolicLink') builder.link(path, linkpath);
    else {
      const writer = builder.file(path, (mode & 0o100) !== 0);
      entry.on('data', (chunk: Buffer) => writer.write(chunk));
      entry.on('end', () => writer.end());
      return;
    }
  }
  entry.resume();
}

function unsafe(path: string, type: string): CodedError {
  return new CodedError(`${path} is a ${type}; only files and links can be published`, {
    code: 'ARCHIVE_UNSAFE',
    next: 'remove it from the source',
  });
}
