import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileProblem } from '../../shared/file-problem.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('file problem: a missing file, and a missing directory above it, are named', async (t) => {
  const here = await temporaryDirectory(t);
  const problem = (work: (path: string) => unknown, ...names: string[]) => {
    const path = join(here, ...names);
    try {
      work(path);
    } catch (error) {
      return fileProblem(path, error);
    }
    throw new Error(`${path} is no problem`);
  };
  const file = problem((path) => readFileSync(path), 'a.json');
  assert.deepEqual(file, {
    why: `there is no ${here}/a.json`,
    next: `ls ${here}; then give the right path`,
  });
  assert.deepEqual(
    problem((path) => rmSync(path)),
    {
      why: `${here} is a directory, where a file is needed`,
      next: `ls -ld ${here}`,
    },
  );
  const below = problem((path) => writeFileSync(path, ''), 'b', 'c', 'a.json');
  assert.deepEqual(below, {
    why: `there is no directory ${here}/b for ${here}/b/c/a.json`,
    next: `ls ${here}; then give the right path`,
  });
});
