import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Instances } from '../../../operator/hosts/instances.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const FILES = {
  'text.json': 'no JSON',
  'empty.json': '{}',
  'state.json': '{"Reservations":[{"Instances":[{"InstanceId":"i-0123456789abcdef0"}]}]}',
};
const SAYS = {
  'none.json': /^--instances: there is no \/.*\/none\.json$/,
  'none/a.json': /^--instances: there is no directory \/.*\/none for /,
  folder: /^--instances: \/.*\/folder: it is not a regular file/,
  'text.json': /not a list of EC2 instances: the document: expected object, /,
  'empty.json': /not a list of EC2 instances: Reservations: expected array, /,
  'state.json': /: Reservations\.0\.Instances\.0\.State: expected object, /,
};

test('instances: a file that is missing, or something else, is named with its first mistake', async (t) => {
  const directory = await temporaryDirectory(t);
  await mkdir(join(directory, 'folder'));
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(directory, name), text);
  for (const [name, message] of Object.entries(SAYS)) {
    assert.throws(() => Instances.read([name], directory), { code: 'USAGE', message }, name);
  }
});
