import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT } from './project-files.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { testGroups } from './test-groups.ts';

test('test groups: each file is in one process, and one that changes its process is alone', () => {
  const files = globSync('test/**/*.test.ts', { cwd: PROJECT }).sort();
  const groups = testGroups(files);
  assert.deepEqual(groups.flatMap((group) => group.files).sort(), files);
  const membersWith = (file: string) => groups.find((group) => group.files.includes(file))?.files;
  const shared = membersWith('test/operator/commands/move/rollback.test.ts') ?? [];
  assert.ok(shared.length > 5, String(shared));
  for (const file of ['e2e/killed', 'operator/commands/policy/check', 'trust/crash'])
    assert.deepEqual(membersWith(`test/${file}.test.ts`), [`test/${file}.test.ts`]);
});

test('npm test: it ends with 1 when a test fails, a file does not load, or there is no file', async (t) => {
  const directory = await temporaryDirectory(t);
  const texts: Record<string, readonly [text: string, status: number]> = {
    good: ["import { test } from 'node:test';\ntest('good', () => {});\n", 0],
    bad: ["import { test } from 'node:test';\ntest('bad', () => Promise.reject(1));\n", 1],
    broken: ["import './missing.mjs';\n", 1],
  };
  for (const [name, [text, wanted]] of Object.entries(texts)) {
    await writeFile(join(directory, `${name}.test.mjs`), text);
    const { status, stdout } = runTests(join(directory, `${name}.*`));
    assert.equal(status, wanted, stdout);
    assert.match(stdout, /tests 1\n/);
  }
  assert.equal(runTests(join(directory, 'none.*')).status, 1);
});

function runTests(pattern: string) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const script = join(import.meta.dirname, 'run-tests.ts');
  return spawnSync(process.execPath, [script, pattern], { encoding: 'utf8', env });
}
