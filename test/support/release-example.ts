import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type TarEntry, tarArchive } from './tar-writer.ts';

/** Pseudo-random bytes, always the same, which gzip cannot compress. */
export function noise(length: number, seed: string): Buffer {
  return createHash('shake256', { outputLength: length }).update(seed).digest();
}

/** A release with that many files of that size, as one gzipped tarball; always the same bytes. */
export function exampleRelease({ files = 200, bytesEach = 10_000 } = {}): Buffer {
  const entries: TarEntry[] = Array.from({ length: files }, (_, index) => ({
    path: exampleFile(index),
    content: noise(bytesEach, String(index)),
  }));
  return gzipSync(tarArchive(entries), { level: 1 });
}

/** The path of the file with that index. */
export function exampleFile(index: number): string {
  return `modules/module${Math.floor(index / 20)}/manifests/class${index}.pp`;
}
