import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ReadEntry } from 'tar/read-entry';
import { type HostPaths, hostPaths, releasePaths } from '../../../../agent/paths.ts';
import { prune } from '../../../../agent/steps/prune.ts';
import { isUnpacked, type LinkRule, unpack } from '../../../../agent/steps/unpack/unpack.ts';
import { readArchive } from '../../../../bucket/archive/read-archive.ts';
import { UnpackRules, type UnpackRulesOptions } from '../../../../bucket/archive/unpack-rules.ts';
import { verifiedTarball } from '../../../support/memory-blobs.ts';
import type { TarEntry } from '../../../support/tar-writer.ts';
import { names, temporaryDirectory } from '../../../support/temporary-directory.ts';

const limits = { maxBytes: 100_000, maxFiles: 20 };
const { signal } = new AbortController();

export const file = (path: string | Buffer, content = 'x'): TarEntry => ({ path, content });
export const directory = (path: string, mode = 0o755): TarEntry => ({ path, type: '5', mode });
export const link = (path: string, linkpath: string): TarEntry => ({ path, type: '2', linkpath });

/** The file system would refuse many of these too; the rules must not rely on that. */
export async function assertRefusedByRules(
  t: TestContext,
  bytes: Buffer,
  options: Partial<UnpackRulesOptions> = {},
): Promise<void> {
  const { path } = await verifiedTarball(bytes, await temporaryDirectory(t));
  const { maxFiles } = limits;
  const rules = new UnpackRules({ maxFiles, names: 'any', links: 'refuse', ...options });
  const onEntry = (entry: ReadEntry): void => {
    rules.check(entry);
    entry.resume();
  };
  const read = readArchive({ path, maxBytes: limits.maxBytes, signal, onEntry });
  await assert.rejects(read, { code: 'ARCHIVE_UNSAFE' });
}

/** Asserts a refusal with that code, an empty releases directory and unchanged surroundings. */
export async function assertRefused(
  t: TestContext,
  bytes: Buffer,
  code: string,
  links: LinkRule = 'refuse',
): Promise<void> {
  const { paths, tarball, into } = await surroundings(t, bytes);
  await assert.rejects(unpack(tarball, into, { limits, links, signal }), { code });
  assert.deepEqual(await names(paths.releases), []);
  await assertSurroundings(paths);
}

/** Asserts a complete release and unchanged surroundings, before and after it is removed. */
export async function assertUnpacked(
  t: TestContext,
  bytes: Buffer,
  links: LinkRule = 'refuse',
): Promise<void> {
  const { paths, tarball, into } = await surroundings(t, bytes);
  await unpack(tarball, into, { limits, links, signal });
  assert.ok(isUnpacked(into));
  await assertSurroundings(paths);
  const now = Date.now();
  prune(paths, { keep: 0, lastGood: undefined, environments: ['stable'], keepRuns: 20, now });
  assert.deepEqual(await names(paths.releases), []);
  await assertSurroundings(paths);
}

async function surroundings(t: TestContext, bytes: Buffer) {
  const root = await temporaryDirectory(t);
  const paths = hostPaths({ platform: 'linux', root });
  const tarball = await verifiedTarball(bytes, paths.blobs);
  await mkdir(paths.releases);
  await writeFile(join(paths.state, 'evil'), 'as it was');
  return { paths, tarball, into: releasePaths(paths, tarball.sha256).directory };
}

async function assertSurroundings(paths: HostPaths): Promise<void> {
  assert.deepEqual(await names(paths.state), ['blobs', 'evil', 'releases']);
  assert.equal(await readFile(join(paths.state, 'evil'), 'utf8'), 'as it was');
}

export async function ignoresCase(t: TestContext): Promise<boolean> {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, 'a'), '');
  return existsSync(join(directory, 'A'));
}
