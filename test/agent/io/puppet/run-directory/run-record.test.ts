import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { environmentFile } from '../../../../../agent/io/puppet/run-directory/paths.ts';
import { removeRunRecord } from '../../../../../agent/io/puppet/run-directory/run-record.ts';
import { temporaryDirectory } from '../../../../support/temporary-directory.ts';

test('host data: secrets of a run that no unit has begun are gone with its record', async (t) => {
  const directory = await temporaryDirectory(t);
  writeFileSync(environmentFile(directory), "export TOKEN='s3cret'\n");
  removeRunRecord(directory);
  assert.deepEqual(readdirSync(directory), []);
});
