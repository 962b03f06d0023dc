import assert from 'node:assert/strict';
import { lstat, mkdir, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { hostPaths, releasePaths } from '../../../../agent/paths.ts';
import { unpack } from '../../../../agent/steps/unpack/unpack.ts';
import { readArchive } from '../../../../bucket/archive/read-archive.ts';
import { UnpackRules } from '../../../../bucket/archive/unpack-rules.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import { anyCodePoint } from '../../../support/fuzz.ts';
import { verifiedTarball } from '../../../support/memory-blobs.ts';
import { runsOf } from '../../../support/soak.ts';
import {
  gnuLongEntry,
  paxEntry,
  type TarEntry,
  tarArchive,
  tarGz,
  writeChecksum,
} from '../../../support/tar-writer.ts';
import { names, temporaryDirectory } from '../../../support/temporary-directory.ts';

const { signal } = new AbortController();
const limits = { maxBytes: 200_000, maxFiles: 50 };

/** Bounded, and repeatable with the printed seed. */
function bounded(t: TestContext, all: number): { numRuns: number; seed: number } {
  const numRuns = runsOf(all);
  const seed = Date.now() % 2 ** 31;
  t.diagnostic(`${numRuns} runs, seed ${seed}`);
  return { numRuns, seed };
}

function assertRefusal(error: unknown): void {
  assert.ok(error instanceof CodedError, String((error as Error).stack));
  assert.match(error.code, /^ARCHIVE_(UNSAFE|TOO_LARGE)$/);
}

/** Some of these names collide with each other, and some climb out of the tree. */
const part = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'A', 'modules', 'é', 'e\u0301') },
  { weight: 1, arbitrary: fc.constantFrom('..', '.', '', ' ', 'a\\b', '...', '~', '\0', '-') },
  { weight: 1, arbitrary: fc.string({ unit: anyCodePoint, maxLength: 12 }) },
);
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

const entry: fc.Arbitrary<TarEntry> = fc.record({
  path,
  type: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('0', '2', '5') },
    { weight: 1, arbitrary: fc.constantFrom('1', '3', '6', '7', 'S', '\0') },
  ),
  mode: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(0o644, 0o755, 0o600, 0) },
    { weight: 1, arbitrary: fc.nat(0o7777) },
  ),
  linkpath: path,
  content: fc.string({ maxLength: 600 }),
});
const tidy = entry.map(({ type, linkpath = '', content = '', ...rest }): TarEntry => {
  if (type === '2' || type === '1') return { ...rest, type, linkpath };
  return { ...rest, ...(type === undefined ? {} : { type }), content: type === '5' ? '' : content };
});
const block = fc.oneof(
  { weight: 8, arbitrary: tidy },
  { weight: 1, arbitrary: entry },
  { weight: 1, arbitrary: path.map((long) => paxEntry({ path: long })) },
  { weight: 1, arbitrary: path.map((long) => paxEntry({ linkpath: long })) },
  { weight: 1, arbitrary: path.map((long) => gnuLongEntry(long)) },
  { weight: 1, arbitrary: path.map((long) => gnuLongEntry(long, 'K')) },
);

test('unpack, fuzz: any entries give a clean tree or a refusal that leaves nothing behind', async (t) => {
  const paths = hostPaths({ platform: 'linux', root: await temporaryDirectory(t) });
  await mkdir(paths.releases, { recursive: true });
  await writeFile(join(paths.state, 'outside'), 'as it was');
  let unpacked = 0;
  const property = fc.asyncProperty(fc.array(block, { maxLength: 5 }), async (entries) => {
    const tarball = await verifiedTarball(tarGz(entries), paths.blobs);
    const { directory, tree } = releasePaths(paths, tarball.sha256);
    try {
      await unpack(tarball, directory, { limits, links: 'refuse', signal });
      unpacked++;
      await assertCleanTree(tree);
      await rm(directory, { recursive: true });
    } catch (error) {
      assertRefusal(error);
    }
    assert.deepEqual(await names(paths.releases), []);
    assert.deepEqual(await names(paths.state), ['blobs', 'outside', 'releases']);
    await rm(tarball.path);
  });
  await fc.assert(property, bounded(t, 300));
  t.diagnostic(`${unpacked} were unpacked`);
  assert.ok(unpacked > 0);
});

/** Only files, directories and links that stay inside, with our modes. */
async function assertCleanTree(tree: string): Promise<void> {
  for (const found of await readdir(tree, { recursive: true, withFileTypes: true })) {
    const at = join(found.parentPath, found.name);
    if (found.isSymbolicLink()) {
      const target = resolve(dirname(at), await readlink(at));
      assert.ok(`${target}/`.startsWith(`${tree}/`), `${at} -> ${target}`);
      continue;
    }
    assert.ok(found.isFile() || found.isDirectory(), at);
    const mode = (await lstat(at)).mode & 0o7777;
    assert.ok(mode === 0o755 || (mode === 0o644 && found.isFile()), `${at} ${mode.toString(8)}`);
  }
}

test('unpack, fuzz: any change to the bytes of an archive is read or refused, never a crash', async (t) => {
  const directory = await temporaryDirectory(t);
  const good = tarArchive([
    paxEntry({ path: 'modules/long/name.pp', mtime: '1.5' }),
    { path: 'cut', content: 'x'.repeat(700) },
    gnuLongEntry('modules/other/name.pp'),
    { path: 'cut', mode: 0o755, content: 'y' },
    { path: 'link', type: '2', linkpath: 'cut' },
  ]);
  const change = fc.record({
    at: fc.nat(good.length - 1),
    byte: fc.nat(255),
    isChecksumFixed: fc.boolean(),
  });
  const property = fc.asyncProperty(
    fc.array(change, { minLength: 1, maxLength: 6 }),
    fc.nat(good.length),
    async (changes, length) => {
      const bytes = Buffer.from(good);
      for (const { at, byte, isChecksumFixed } of changes) {
        bytes[at] = byte;
        const header = at - (at % 512);
        if (isChecksumFixed) writeChecksum(bytes.subarray(header, header + 512));
      }
      const cut = length % 3 === 0 ? bytes.subarray(0, length) : bytes;
      const tarball = await verifiedTarball(gzipSync(cut, { level: 1 }), directory);
      const rules = new UnpackRules({ maxFiles: 50, names: 'any', links: 'refuse' });
      const read = readArchive({
        ...{ path: tarball.path, maxBytes: 100_000, signal },
        onEntry: (found) => {
          rules.check(found);
          found.resume();
        },
      });
      await read.catch(assertRefusal);
      await rm(tarball.path);
    },
  );
  await fc.assert(property, bounded(t, 500));
});

test('unpack, fuzz: each path that the rules accept is inside the tree', (t) => {
  const property = fc.property(
    fc.array(
      fc.record({ path, linkpath: path, mode: fc.constantFrom(0o644, 0o755), link: fc.boolean() }),
    ),
    (entries) => {
      const rules = new UnpackRules({ maxFiles: 1000, names: 'any', links: 'refuse' });
      const seen = new Set<string>();
      for (const { link, ...given } of entries) {
        try {
          const safe = rules.check({ ...given, type: link ? 'SymbolicLink' : 'File' });
          assert.ok(safe !== undefined);
          assert.ok(resolve('/tree', safe.path).startsWith('/tree/'), safe.path);
          assert.ok(!seen.has(safe.path), safe.path);
          seen.add(safe.path);
          if (safe.kind !== 'link') continue;
          const target = resolve('/tree', dirname(safe.path), safe.target);
          assert.ok(`${target}/`.startsWith('/tree/'), `${safe.path} -> ${safe.target}`);
        } catch (error) {
          assertRefusal(error);
        }
      }
    },
  );
  fc.assert(property, bounded(t, 2000));
});
