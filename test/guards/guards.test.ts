import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { GUARDS } from './all-guards.ts';

test('guards: each line that `npm run test:guards` removes occurs exactly once', async () => {
  const root = join(import.meta.dirname, '../..');
  for (const { invariant, file, line } of GUARDS) {
    const parts = (await readFile(join(root, file), 'utf8')).split(line);
    assert.equal(parts.length - 1, 1, `${invariant}: ${file}: ${line}`);
  }
});
