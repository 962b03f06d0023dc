import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnpackRules } from '../../../bucket/archive/unpack-rules.ts';
import { parseEnvironmentConf } from '../../../bucket/documents/environment-conf.ts';
import { findProblems } from '../../../operator/release/check.ts';
import { LIMITS, type SourceTree, type TreeEntry } from '../../../operator/release/tree/tree.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { check, file, link, sourceTree } from './fixture.ts';

const RULES = { conf: parseEnvironmentConf(''), names: 'portable', links: 'refuse' } as const;

const refused = {
  'link to an absolute path': { entry: link('manifests/x', '/etc/passwd'), code: 'ARCHIVE_UNSAFE' },
  'link above the tree': { entry: link('manifests/x', '../../x'), code: 'ARCHIVE_UNSAFE' },
  'link above the tree from its top': { entry: link('x', '..'), code: 'ARCHIVE_UNSAFE' },
  'link with ".." after a name': { entry: link('a/b/x', '../c/../../y'), code: 'ARCHIVE_UNSAFE' },
  'link to nothing': { entry: link('x', ''), code: 'ARCHIVE_UNSAFE' },
  'link with a control character': { entry: link('x', 'a\u001bb'), code: 'ARCHIVE_UNSAFE' },
  'file of a git repository': { entry: file('modules/a/.git/config'), code: 'ARCHIVE_UNSAFE' },
  'file of a git repository, on a Mac': { entry: file('.GIT/config'), code: 'ARCHIVE_UNSAFE' },
  'name too long': { entry: file(`m/${'n'.repeat(256)}`), code: 'ARCHIVE_UNSAFE' },
  'path too long': { entry: file(`${'long-name/'.repeat(110)}x`), code: 'ARCHIVE_UNSAFE' },
  'name with a line end': { entry: file('m/a\nb'), code: 'ARCHIVE_UNSAFE' },
  'name with a backslash': { entry: file('m/a\\b'), code: 'ARCHIVE_UNSAFE' },
  'name that is not UTF-8': { entry: file('m/a\ufffd'), code: 'ARCHIVE_UNSAFE' },
  'file that differs in case': { entry: file('manifests/SITE.pp'), code: 'ARCHIVE_UNSAFE' },
  'directory that differs in case': { entry: file('Manifests/other.pp'), code: 'ARCHIVE_UNSAFE' },
  'a release.json of the tree': { entry: file('release.json'), code: 'RELEASE_INVALID' },
} satisfies Record<string, { entry: TreeEntry; code: string }>;

for (const [name, { entry, code }] of Object.entries(refused)) {
  test(`check refuses: ${name}`, () => {
    assert.throws(
      () => check(sourceTree(entry)),
      (error) => error instanceof CodedError && error.code === code,
    );
  });
}

const trees = {
  'no manifests/': { tree: { entries: [file('README')] }, code: 'RELEASE_INVALID' },
  'manifests/ further down': {
    tree: { entries: [file('a/manifests/x.pp')] },
    code: 'RELEASE_INVALID',
  },
  'empty submodule': { tree: { emptySubmodules: ['modules/stdlib'] }, code: 'ARCHIVE_UNSAFE' },
  'é in both Unicode forms': {
    tree: { entries: [file('manifests/\u00e9'), file('manifests/e\u0301')] },
    code: 'ARCHIVE_UNSAFE',
  },
  'too many files': {
    tree: { entries: Array.from({ length: LIMITS.entries }, (_, n) => file(`manifests/${n}`)) },
    code: 'ARCHIVE_TOO_LARGE',
  },
} satisfies Record<string, { tree: Partial<SourceTree>; code: string }>;

for (const [name, { tree, code }] of Object.entries(trees)) {
  test(`check refuses: ${name}`, () => {
    const codes = findProblems({ ...sourceTree(), ...tree }, RULES).map((problem) => problem.code);
    assert.deepEqual(codes, [code]);
  });
}

const taken = {
  'the usual form': [file('modules/a/files/run.sh', '', true), file('hiera.yaml')],
  'links inside': [
    link('modules/b', 'a'),
    link('site/x/y', '../../hiera.yaml'),
    link('z', './a//b'),
  ],
  'a link to the top': [link('modules/a/top', '../..')],
  'r10k left its file': [file('.r10k-deploy.json', '{}')],
  'git settings of the tree': [file('.gitignore'), file('.gitattributes'), file('.github/x.yml')],
  'names in other alphabets': [file('modules/日本/größe.pp')],
} satisfies Record<string, readonly TreeEntry[]>;

for (const [name, entries] of Object.entries(taken)) {
  test(`check and agent accept: ${name}`, () => {
    assert.deepEqual(findProblems(sourceTree(...entries), RULES), []);
    const rules = new UnpackRules({ maxFiles: LIMITS.entries, names: 'portable', links: 'refuse' });
    for (const entry of entries) {
      const type = entry.kind === 'link' ? 'SymbolicLink' : 'File';
      const linkpath = entry.kind === 'link' ? entry.target : undefined;
      rules.check({ type, path: entry.path, linkpath, mode: 0o644 });
    }
  });
}

test('check accepts the older form', () => {
  const entries = [
    file('nodeless_site.pp'),
    file('classes/a.pp'),
    file('modules/b/manifests/init.pp'),
  ];
  assert.deepEqual(findProblems({ ...sourceTree(), entries }, RULES), []);
});

const onLinux = {
  'names of systemd units': [file('modules/a/files/srv-my\\x2ddata.mount')],
  'names that differ in case': [file('modules/a/files/Makefile'), file('modules/a/files/makefile')],
} satisfies Record<string, readonly TreeEntry[]>;

for (const [name, entries] of Object.entries(onLinux)) {
  test(`check and agent accept where case counts, and refuse where it does not: ${name}`, () => {
    assert.notDeepEqual(findProblems(sourceTree(...entries), RULES), []);
    assert.deepEqual(findProblems(sourceTree(...entries), { ...RULES, names: 'any' }), []);
    const rules = new UnpackRules({ maxFiles: LIMITS.entries, names: 'any', links: 'refuse' });
    for (const { path } of entries) rules.check({ type: 'File', path, mode: 0o644 });
  });
}

test('check refuses a link that leaves the release and names both ways out', () => {
  const leaving = sourceTree(link('modules/x/files/motd', '/etc/motd'));
  assert.throws(
    () => check(leaving),
    (error) =>
      error instanceof CodedError &&
      error.message.includes('modules/x/files/motd') &&
      error.next?.includes('publish.exclude: [modules/x/files/motd]') &&
      error.next.includes('publish.links: keep') === true,
  );
  check(leaving, { links: 'keep' });
});

test('check refuses an environment.conf that Puppet would refuse, with its line', () => {
  const conf = parseEnvironmentConf('manifest = site.pp\n; comment\n');
  const [problem, ...others] = findProblems(sourceTree(), { ...RULES, conf });
  assert.deepEqual([problem?.path, problem?.line, others], ['environment.conf', 2, []]);
});

test('check names the next step for each kind of problem, once', () => {
  const links = ['a', 'b'].map((path) => link(`modules/x/files/${path}`, '/etc/motd'));
  const tree = { ...sourceTree(...links), emptySubmodules: ['modules/one', 'modules/two'] };
  assert.throws(
    () => check(tree),
    (error) =>
      error instanceof CodedError &&
      /^git submodule update --init --recursive; [^;]*; leave it out: [^;]*\/a\]; [^;]*keep$/.test(
        error.next ?? '',
      ),
  );
});

test('check names all problems at once, up to a limit', () => {
  const links = Array.from({ length: 50 }, (_, n) => link(`l${n}`, '/x'));
  assert.throws(
    () => check(sourceTree(...links)),
    (error) => error instanceof CodedError && error.details['problems'] === 50,
  );
});
