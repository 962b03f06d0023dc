import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { git as gitOfMm } from '../../../../operator/release/source/git.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { git } from '../../operator-lab.ts';
import { check, pack, read, textOf } from '../fixture.ts';

const env = { PATH: process.env['PATH'] };

/** A repository with one commit of these files. */
async function repository(t: TestContext, files: Record<string, string>): Promise<string> {
  const directory = await temporaryDirectory(t);
  await git(directory, 'init', '--quiet', '--initial-branch=main');
  for (const [path, text] of Object.entries({ 'manifests/site.pp': '', ...files })) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  await git(directory, 'add', '--all');
  await git(directory, 'commit', '--quiet', '--message', 'first');
  return directory;
}

/**
 * A filter like that of an unlocked git-crypt: the content in the repository differs from the
 * checkout.
 */
async function setFilter(directory: string, name: string, smudge: string): Promise<void> {
  await git(directory, 'config', `filter.${name}.smudge`, smudge);
  await git(directory, 'config', `filter.${name}.clean`, 'cat');
  await git(directory, 'config', `filter.${name}.required`, 'true');
}

const refused =
  (...words: string[]) =>
  (error: unknown) =>
    error instanceof CodedError &&
    error.code === 'RELEASE_INVALID' &&
    words.every((word) => error.message.includes(word));

const ATTRIBUTES = { '.gitattributes': 'secret* filter=git-crypt\n', 'secret.yaml': 'cipher\n' };

for (const ref of ['main', undefined]) {
  const what = ref === undefined ? 'the work tree' : 'a ref';
  test(`row 15: ${what}: a path with a filter is refused with its name`, async (t) => {
    const directory = await repository(t, ATTRIBUTES);
    await setFilter(directory, 'git-crypt', 'tr a-z A-Z');
    const { tree } = await read(t, { directory, env }, ref);
    assert.throws(() => check(tree), refused('secret.yaml', 'git-crypt'));
    const excluded = await read(t, { directory, env }, ref, { exclude: ['/secret.yaml'] });
    check(excluded.tree);
  });
}

test('row 15: filters of this user do not change the bytes of a commit', async (t) => {
  const directory = await repository(t, { '.gitattributes': 'a filter=x\n', a: 'text\n' });
  const plain = await read(t, { directory, env }, 'main');
  await setFilter(directory, 'x', 'tr a-z A-Z');
  const info = join(directory, '.git/info');
  await mkdir(info, { recursive: true });
  await writeFile(join(info, 'attributes'), 'manifests export-ignore\n* text eol=crlf\n');
  const more = { HOME: await temporaryDirectory(t) };
  await writeFile(join(more.HOME, '.gitconfig'), '[filter "x"]\n\tsmudge = rev\n');
  const after = await read(t, { directory, env: { ...env, ...more } }, 'main');
  assert.equal((await pack(t, after.tree)).sha256, (await pack(t, plain.tree)).sha256);
  assert.equal(textOf(after, 'a'), 'text\n');
});

test('row 15: publish.filters runs the named filter, and no other', async (t) => {
  const directory = await repository(t, {
    ...ATTRIBUTES,
    '.gitattributes': 'secret* filter=git-crypt\nother filter=x\n',
  });
  await setFilter(directory, 'git-crypt', 'tr a-z A-Z');
  const source = await read(t, { directory, env }, 'main', { filters: ['git-crypt'] });
  assert.equal(textOf(source, 'secret.yaml'), 'CIPHER\n');
  check(source.tree);
});

test('row 15: a filter gets the name of its file, whatever is in it', async (t) => {
  const path = "a$'; exit $&$`'$.txt";
  const directory = await repository(t, { '.gitattributes': '*.txt filter=x\n', [path]: '' });
  await setFilter(directory, 'x', 'cat; printf %s %f');
  const source = await read(t, { directory, env }, 'main', { filters: ['x'] });
  assert.equal(textOf(source, path), path);
});

test('row 15: a named filter that this machine does not have, or that fails, is an error', async (t) => {
  const directory = await repository(t, ATTRIBUTES);
  const publish = () => read(t, { directory, env }, 'main', { filters: ['git-crypt'] });
  await assert.rejects(publish(), refused('secret.yaml', 'filter.git-crypt.smudge'));
  await setFilter(directory, 'git-crypt', 'echo locked >&2; exit 3');
  await assert.rejects(publish(), refused('secret.yaml', 'locked'));
});

test('row 15: content that git-crypt encrypted is refused also without the attribute', async (t) => {
  const directory = await repository(t, { 'data/secret.yaml': '\0GITCRYPT\0abc' });
  const { tree } = await read(t, { directory, env }, 'main');
  assert.throws(() => check(tree), refused('data/secret.yaml', 'git-crypt'));
});

const LARGE = 'a large file\n'.repeat(100);
const sha256 = createHash('sha256').update(LARGE).digest('hex');
const pointer = (oid = sha256, size = LARGE.length) =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${size}\n`;
const LFS = { '.gitattributes': '*.bin filter=lfs\n', 'files/a.bin': pointer() };

/** Where `git lfs fetch` puts a file. */
async function store(directory: string, content: string): Promise<void> {
  const path = join(directory, '.git/lfs/objects', sha256.slice(0, 2), sha256.slice(2, 4), sha256);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

for (const ref of ['main', undefined]) {
  const what = ref === undefined ? 'the work tree' : 'a ref';
  test(`row 15: ${what}: a git-lfs pointer is refused, with or without its attribute`, async (t) => {
    const directory = await repository(t, LFS);
    const { tree } = await read(t, { directory, env }, ref);
    assert.throws(() => check(tree), refused('files/a.bin', 'lfs'));
    const bare = await repository(t, { 'files/a.bin': pointer() });
    const without = await read(t, { directory: bare, env }, ref);
    assert.throws(() => check(without.tree), refused('files/a.bin', 'git-lfs pointer'));
  });

  test(`row 15: ${what}: with filters: [lfs] the file is published, and compared`, async (t) => {
    const directory = await repository(t, LFS);
    const publish = () => read(t, { directory, env }, ref, { filters: ['lfs'] });
    await store(directory, LARGE);
    const source = await publish();
    assert.equal(textOf(source, 'files/a.bin'), LARGE);
    check(source.tree);
    await store(directory, LARGE.replace('large', 'other'));
    await assert.rejects(publish(), refused('files/a.bin', 'sha256'));
  });
}

test('row 15: a missing git-lfs file is an error that names the command', async (t) => {
  const directory = await repository(t, LFS);
  await assert.rejects(
    read(t, { directory, env }, 'main', { filters: ['lfs'] }),
    (error) =>
      refused('files/a.bin')(error) && (error as CodedError).next!.includes('git lfs fetch'),
  );
});

test('row 15: the real git-lfs gives the file of its pointer', async (t) => {
  const HOME = await temporaryDirectory(t);
  const origin = await repository(t, {});
  const lfs = async (directory: string, ...args: string[]) => {
    await git(directory, '-c', 'filter.lfs.clean=git-lfs clean -- %f', ...args);
  };
  await writeFile(join(origin, '.gitattributes'), '*.bin filter=lfs -text\n');
  await writeFile(join(origin, 'a.bin'), LARGE);
  await lfs(origin, 'add', '--all');
  await lfs(origin, 'commit', '--quiet', '--message', 'large');
  const stored = await git(origin, 'cat-file', 'blob', 'main:a.bin');
  assert.equal(`${stored}\n`, pointer());
  const place = { directory: origin, env: { ...env, HOME } };
  const source = await read(t, place, 'main', { filters: ['lfs'] });
  assert.equal(textOf(source, 'a.bin'), LARGE);
});

test('row 15: a sparse checkout is refused with the names of what is missing', async (t) => {
  const directory = await repository(t, { 'data/a.yaml': 'a', 'data/b.yaml': 'b' });
  await git(directory, 'sparse-checkout', 'set', '--no-cone', '/manifests/', '/data/a.yaml');
  const { tree } = await read(t, { directory, env }, undefined);
  assert.throws(() => check(tree), refused('data/b.yaml', 'skip-worktree'));
  const excluded = await read(t, { directory, env }, undefined, { exclude: ['data/b.yaml'] });
  check(excluded.tree);
  check((await read(t, { directory, env }, 'main')).tree);
});

test('row 15: a file that is hidden by skip-worktree alone is refused', async (t) => {
  const directory = await repository(t, { 'data/a.yaml': 'a' });
  await git(directory, 'update-index', '--skip-worktree', 'data/a.yaml');
  await appendFile(join(directory, 'data/a.yaml'), 'changed');
  const { tree } = await read(t, { directory, env }, undefined);
  assert.throws(() => check(tree), refused('data/a.yaml', 'skip-worktree'));
});

test('row 17: git runs no program that a repository or the user configures', async (t) => {
  const directory = await repository(t, { 'modules/a/manifests/init.pp': 'class a { }' });
  const ran = join(directory, '.git/ran');
  const program = join(await temporaryDirectory(t), 'program');
  await writeFile(program, `#!/bin/sh\necho "$0 $*" >>${ran}\ncat\n`);
  await chmod(program, 0o755);
  const HOME = await temporaryDirectory(t);
  const hostile = [
    `[core]\n\tfsmonitor = ${program}\n\tpager = ${program}\n\thooksPath = ${dirname(program)}`,
    `\tsshCommand = ${program}\n\taskPass = ${program}\n\tuntrackedCache = true\n\teditor = ${program}`,
    `[diff]\n\texternal = ${program}`,
    `[pager]\n\tls-files = ${program}\n\tarchive = ${program}\n\trev-parse = ${program}`,
    `[credential]\n\thelper = ${program}`,
    `[gpg]\n\tprogram = ${program}\n[log]\n\tshowSignature = true`,
    `[filter "x"]\n\tsmudge = ${program}\n\tclean = ${program}\n\tprocess = ${program}`,
    `[tar "tar"]\n\tcommand = ${program}\n[alias]\n\tarchive = !${program}`,
    `[remote "origin"]\n\turl = ext::${program}\n\tpromisor = true`,
  ].join('\n');
  await writeFile(join(HOME, '.gitconfig'), hostile);
  // An unpacked module that has its own git configuration.
  const inner = join(directory, 'modules/inner');
  await mkdir(inner);
  await git(inner, 'init', '--quiet');
  await writeFile(join(inner, 'init.pp'), '');
  await appendFile(join(inner, '.git/config'), hostile);
  await appendFile(join(directory, '.git/config'), hostile);
  for (const hook of ['post-index-change', 'fsmonitor-watchman', 'reference-transaction']) {
    for (const folder of [join(directory, '.git/hooks'), dirname(program)]) {
      await writeFile(join(folder, hook), `#!/bin/sh\necho ${hook} >>${ran}\n`);
      await chmod(join(folder, hook), 0o755);
    }
  }
  const place = { directory, env: { ...env, HOME, GIT_EXTERNAL_DIFF: program, PAGER: program } };
  for (const ref of ['main', undefined]) check((await read(t, place, ref)).tree);
  // mm writes no ref today. Whatever it runs later must not start a hook either.
  await gitOfMm(place, ['update-ref', 'refs/heads/other', 'main']);
  assert.equal(existsSync(ran), false);
});

test('row 17: a repository inside is listed without git', async (t) => {
  const directory = await repository(t, {});
  const inner = join(directory, 'modules/inner');
  await mkdir(join(inner, 'manifests'), { recursive: true });
  await git(inner, 'init', '--quiet');
  await writeFile(join(inner, 'manifests/init.pp'), '');
  // With any of these settings git itself refuses to work there.
  await writeFile(join(inner, '.git/config'), 'this is no configuration\n');
  const { tree } = await read(t, { directory, env }, undefined);
  const paths = tree.entries.map(({ path }) => path).filter((path) => path.startsWith('modules/'));
  assert.deepEqual(paths, ['modules/inner/manifests/init.pp']);
});
