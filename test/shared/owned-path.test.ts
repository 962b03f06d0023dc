import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findUnsafe, requireOwn } from '../../shared/owned-path.ts';

const own = process.geteuid?.() ?? 0;
/** The id of a user who is neither the current user nor root. */
const other = own + 4242;

/** `a/b/file` in a directory that belongs to the current user. */
async function place(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'mm-owned-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'a/b'), { recursive: true });
  await writeFile(join(root, 'a/b/file'), 'x', { mode: 0o644 });
  return root;
}

const CASES: Readonly<
  Record<string, { spoil(root: string): Promise<unknown>; found: string | undefined }>
> = {
  'a file of this user below sticky /tmp': { spoil: async () => undefined, found: undefined },
  'a file that all may write': {
    spoil: (root) => chmod(join(root, 'a/b/file'), 0o666),
    found: 'a/b/file',
  },
  'its directory': { spoil: (root) => chmod(join(root, 'a/b'), 0o777), found: 'a/b' },
  'a directory further up': { spoil: (root) => chmod(join(root, 'a'), 0o757), found: 'a' },
  'a sticky directory further up': {
    spoil: (root) => chmod(join(root, 'a'), 0o1777),
    found: undefined,
  },
};

for (const [name, { spoil, found }] of Object.entries(CASES)) {
  test(`owned path: ${name}: ${found ?? 'nothing'} is reported`, async (t) => {
    const root = await place(t);
    await spoil(root);
    const path = findUnsafe(join(root, 'a/b/file'))?.path;
    assert.equal(path, found === undefined ? undefined : join(root, found));
  });
}

test('owned path: a link is followed, and its target is checked as well', async (t) => {
  const root = await place(t);
  await mkdir(join(root, 'open'));
  await writeFile(join(root, 'open/file'), 'x');
  await symlink('../open', join(root, 'a/link'));
  await symlink('a/link/file', join(root, 'twice'));
  assert.equal(findUnsafe(join(root, 'twice')), undefined);
  await chmod(join(root, 'open'), 0o777);
  assert.equal(findUnsafe(join(root, 'twice'))?.path, join(root, 'open'));
  await symlink('endless', join(root, 'endless'));
  assert.ok(findUnsafe(join(root, 'endless/file')) === undefined);
});

test('owned path: a path of another user is reported, and root may own everything', async (t) => {
  const root = await place(t);
  const found = findUnsafe(join(root, 'a/b/file'), other);
  assert.equal(found?.why, own === 0 ? undefined : 'owner');
  if (own === 0) return;
  assert.equal(findUnsafe(join(root, 'a/b/file'), 0)?.path, root);
});

test('owned path: a missing file passes, but its directories are checked', async (t) => {
  const root = await place(t);
  assert.equal(findUnsafe(join(root, 'a/b/none')), undefined);
  await chmod(join(root, 'a/b'), 0o777);
  assert.throws(() => requireOwn(join(root, 'a/b/none'), 'the file'), {
    code: 'FILE_UNSAFE',
    next: `chmod go-w ${join(root, 'a/b')}`,
  });
});
