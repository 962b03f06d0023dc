import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compareBinaries } from '../../../../operator/commands/root/compare-binaries.ts';
import type { Context } from '../../../../operator/context.ts';
import type { VerifiedMetadata } from '../../../../operator/metadata/verified.ts';

const targetOf = (content: string) => ({
  length: content.length,
  hashes: { sha256: createHash('sha256').update(content).digest('hex') },
});
const role = 'binaries';
const targets = {
  'binaries/files/a.deb': targetOf('one'),
  'binaries/files/b.deb': targetOf('two'),
};
const documents = [{ role, base: 1, signed: { targets }, signatures: [] }];
const there = { signed: { targets: { 'binaries/files/b.deb': targetOf('two') } } };
const verified = (isListed: boolean) =>
  ({ roles: new Map(isListed ? [[role, there]] : []) }) as unknown as VerifiedMetadata;

test('row 3: a proposed binary is compared with the file of the second signer', async (t) => {
  const cwd = await mkdtemp(join(tmpdir(), 'miyamoto-test-'));
  t.after(() => rm(cwd, { recursive: true, force: true }));
  await mkdir(join(cwd, 'good'));
  await mkdir(join(cwd, 'bad'));
  await writeFile(join(cwd, 'good/a.deb'), 'one');
  await writeFile(join(cwd, 'bad/a.deb'), 'on!');
  await writeFile(join(cwd, 'renamed'), 'one');
  await mkdir(join(cwd, 'exchanged'));
  await writeFile(join(cwd, 'exchanged/a.deb'), 'two');
  await writeFile(join(cwd, 'exchanged/b.deb'), 'one');
  const run = async (binary: string[], isListed = false) => {
    const given = { verified: verified(isListed), documents, options: { binary } };
    const found = await compareBinaries({ cwd } as unknown as Context, given);
    return found.map(({ name, outcome }) => `${name} ${outcome}`);
  };
  const one = ['a.deb same', 'b.deb not-compared'];
  for (const given of [['good'], ['good/a.deb'], ['renamed'], ['bad', 'good']]) {
    assert.deepEqual(await run(given), one, given.join());
  }
  assert.deepEqual(await run([]), ['a.deb not-compared', 'b.deb not-compared']);
  assert.deepEqual(await run(['good'], true), ['a.deb same'], 'what is listed is not new');
  for (const [given, code] of [
    ['bad', 'RELEASE_INVALID'],
    ['bad/a.deb', 'RELEASE_INVALID'],
    ['exchanged', 'RELEASE_INVALID'],
    ['missing.deb', 'USAGE'],
  ] as const) {
    await assert.rejects(run([given]), { code }, given);
  }
});
