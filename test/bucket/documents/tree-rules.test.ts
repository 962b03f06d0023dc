import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnpackRules } from '../../../bucket/archive/unpack-rules.ts';
import { parseEnvironmentConf } from '../../../bucket/documents/environment-conf.ts';
import {
  foldedPath,
  leavesRelease,
  pathProblem,
  targetProblem,
} from '../../../bucket/documents/tree-rules.ts';
import { findProblems } from '../../../operator/release/check.ts';
import type { SourceTree } from '../../../operator/release/tree/tree.ts';
import { anyCodePoint } from '../../support/fuzz.ts';
import { runsOf } from '../../support/soak.ts';

const RULES = { names: 'portable', links: 'refuse' } as const;

const BAD_PATHS = {
  'a C0 control': 'a\u001bb',
  'a C1 control, which hosts took': 'a\u009b2Jb',
  DEL: 'a\u007fb',
  'a NUL': 'a\0b',
  'a backslash': 'a\\b',
  'bytes that are not UTF-8': 'a\ufffdb',
  'half a surrogate pair': 'a\ud800b',
  absolute: '/etc/passwd',
  'a way up': 'a/../b',
  'a dot': 'a/./b',
  'an empty name': 'a//b',
  empty: '',
  'a git repository': 'modules/x/.GIT/config',
  'a long name': `a/${'x'.repeat(256)}`,
  'a long path': Array.from({ length: 300 }, () => 'abc').join('/'),
};
for (const [name, path] of Object.entries(BAD_PATHS)) {
  test(`tree rules: publisher and host refuse a path with ${name}`, () => {
    assert.notEqual(pathProblem(path, 'portable'), undefined);
    assert.notDeepEqual(problemsOf(path), []);
    assert.throws(() => unpacked(path), { code: 'ARCHIVE_UNSAFE' });
  });
}

const BAD_TARGETS = ['', '/etc', '..', '../../x', 'b/..', './../..', 'b/../c', 'a\u0085b', '\\x'];
for (const target of BAD_TARGETS) {
  test(`tree rules: publisher and host refuse a link to ${JSON.stringify(target)}`, () => {
    assert.ok(targetProblem(target, 'portable') !== undefined || leavesRelease('a', target));
    assert.notDeepEqual(problemsOf('a', target), []);
    assert.throws(() => unpacked('a', target), { code: 'ARCHIVE_UNSAFE' });
  });
}

test('tree rules: publisher and host accept exactly the same trees', () => {
  const name = fc.oneof(
    fc.string({ unit: anyCodePoint, maxLength: 6 }),
    fc.constantFrom('..', '.', '', '.git', 'a', 'é', '\u0301', '\u200b', ' '),
  );
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
  fc.assert(
    fc.property(path, fc.option(path), (entry, target) => {
      // tar itself puts "./" before a path.
      if (entry.startsWith('./')) return;
      const isPublishable = problemsOf(entry, target ?? undefined).length === 0;
      assert.equal(isUnpackable(entry, target ?? undefined), isPublishable);
    }),
    { numRuns: runsOf(2000) },
  );
});

test('tree rules: paths that macOS treats as equal are folded to one', () => {
  assert.equal(foldedPath('Straße/É'), foldedPath('STRASSE/e\u0301'));
});

function problemsOf(path: string, target?: string): unknown[] {
  const entry =
    target === undefined
      ? { kind: 'file' as const, path, isExecutable: false, content: Buffer.alloc(0) }
      : { kind: 'link' as const, path, target };
  const origin = { commit: null, ref: null, committedAt: null };
  const tree = { entries: [entry], emptySubmodules: [], withheld: [], ...origin };
  return findProblems(tree as unknown as SourceTree, {
    ...{ conf: parseEnvironmentConf(''), ...RULES },
  }).filter(({ code }) => code === 'ARCHIVE_UNSAFE');
}

function unpacked(path: string, target?: string): unknown {
  const type = target === undefined ? 'File' : 'SymbolicLink';
  return new UnpackRules({ maxFiles: 100, ...RULES }).check({
    type,
    path,
    linkpath: target,
    mode: 0o644,
  });
}

function isUnpackable(path: string, target?: string): boolean {
  try {
    return unpacked(path, target) !== undefined;
  } catch {
    return false;
  }
}
