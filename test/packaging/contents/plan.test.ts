import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { type PackagePlan, writePackage } from '../../../packaging/contents/plan.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const PLAN: PackagePlan = {
  fileName: 'x_1_amd64.deb',
  files: [{ path: 'usr/bin/x', mode: 0o755, content: 'x' }],
  settings: { compression: 'xz' },
  write: (path) => writeFile(path, 'package'),
};

const ROWS: Readonly<Record<string, { plan?: Partial<PackagePlan>; touch?: true; same: boolean }>> =
  {
    'the same files and settings': { same: true },
    'other content': {
      plan: { files: [{ path: 'usr/bin/x', mode: 0o755, content: 'y' }] },
      same: false,
    },
    'another mode': {
      plan: { files: [{ path: 'usr/bin/x', mode: 0o644, content: 'x' }] },
      same: false,
    },
    'other settings': { plan: { settings: { compression: 'zstd' } }, same: false },
    'a package that was changed afterwards': { touch: true, same: false },
  };
for (const [name, { plan, touch, same }] of Object.entries(ROWS)) {
  test(`package plan: after ${name}, ${same ? 'nothing' : 'the package'} is written`, async (t) => {
    const directory = await temporaryDirectory(t);
    const first = await writePackage(PLAN, directory);
    assert.equal(first.unchanged, false);
    if (touch) await appendFile(first.path, '!');
    const second = await writePackage({ ...PLAN, ...plan }, directory);
    assert.equal(second.unchanged, same);
  });
}

test('package plan: one that is too large fails, in each call', async (t) => {
  const directory = await temporaryDirectory(t);
  const plan = { ...PLAN, maxBytes: 'package'.length - 1 };
  for (const _ of ['first', 'second'])
    await assert.rejects(writePackage(plan, directory), /7 bytes/);
});
