import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readEnvironmentFiles } from '../../../../../agent/io/puppet/host-data/environment-files.ts';
import { temporaryDirectory } from '../../../../support/temporary-directory.ts';

const LINES: Readonly<Record<string, string | undefined>> = {
  'NAME=value': 'value',
  'export NAME=value': 'value',
  'NAME=': '',
  'NAME=a b # c=d': 'a b # c=d',
  'NAME="a $HOME `b`"': 'a $HOME `b`',
  "NAME='it is'": 'it is',
  [`NAME=it's "so"`]: `it's "so"`,
  [`NAME="a"b'c"`]: `a"b'c`,
  '  NAME=value \r': 'value',
  '\uFEFFNAME=value': 'value',
  '# comment\n\nNAME=last': 'last',
  'NAME=first\nNAME=last': 'last',
  'value without a name': undefined,
  '1NAME=secret': undefined,
  'NAME="secret': undefined,
};

for (const [text, value] of Object.entries(LINES)) {
  test(`run.environment_files: ${JSON.stringify(text)}`, async (t) => {
    const path = join(await temporaryDirectory(t), 'env');
    await writeFile(path, `${text}\n`, { mode: 0o600 });
    if (value !== undefined) {
      assert.deepEqual(readEnvironmentFiles([path]), { NAME: value });
      return;
    }
    assert.throws(
      () => readEnvironmentFiles([path]),
      (error: Error) => {
        assert.equal(error.message, `${path}:1: wanted NAME=value, found something else`);
        return (error as NodeJS.ErrnoException).code === 'CONFIG_INVALID';
      },
    );
  });
}

for (const mode of [0o640, 0o604, 0o644]) {
  test(`run.environment_files: mode ${mode.toString(8)} is refused with the chmod`, async (t) => {
    const path = join(await temporaryDirectory(t), 'env');
    await writeFile(path, 'NAME=value\n');
    await chmod(path, mode);
    const expected = { code: 'FILE_UNSAFE', next: `chmod 0600 ${path}` };
    assert.throws(() => readEnvironmentFiles([path]), expected);
  });
}

test('run.environment_files: a secret in Latin-1 is refused', async (t) => {
  const path = join(await temporaryDirectory(t), 'env');
  await writeFile(path, Buffer.from('NAME=p\xe4ss', 'latin1'), { mode: 0o600 });
  assert.throws(() => readEnvironmentFiles([path]), { code: 'CONFIG_INVALID', message: /UTF-8/ });
});
