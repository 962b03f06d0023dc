import assert from 'node:assert/strict';
import { readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileProblem } from '../../shared/file-problem.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('file problem: what is missing or in the way is named, also above the path', async (t) => {
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
  writeFileSync(join(here, 'file'), '');
  const through = problem((path) => readFileSync(path), 'file', 'd', 'a.json');
  assert.deepEqual(through, {
    why: `${here}/file is a file, where a directory is needed for ${here}/file/d/a.json`,
    next: `ls -ld ${here}/file`,
  });
  const full = problem((path) => rmdirSync(path), '..', basename(here));
  assert.deepEqual(full.next, `ls -A ${here}`);
  const below = problem((path) => writeFileSync(path, ''), 'b', 'c', 'a.json');
  assert.deepEqual(below, {
    why: `there is no directory ${here}/b for ${here}/b/c/a.json`,
    next: `ls ${here}; then give the right path`,
  });
});
