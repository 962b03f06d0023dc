import assert from 'node:assert/strict';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { hostPuppet } from '../../../../../agent/io/puppet/puppet.ts';
import { temporaryDirectory } from '../../../../support/temporary-directory.ts';

const FACTS = 'client_data/facts/h1.json';

async function read(t: TestContext, files: Readonly<Record<string, string | Buffer | number>>) {
  const directory = await temporaryDirectory(t);
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, typeof content === 'number' ? '' : content);
    if (typeof content === 'number') await truncate(path, content);
  }
  return await hostPuppet({ launcher: 'group' }).read(directory, 'h1');
}

suite('the results of a run', () => {
  test('nothing', async (t) => {
    const results = await read(t, {});
    assert.deepEqual(results, { report: undefined, facts: undefined, errors: [], problems: [] });
  });

  test('report and facts; the output only contributes the lines that count as errors', async (t) => {
    const results = await read(t, {
      'report.json': '{"status":"failed"}',
      [FACTS]: Buffer.from('{"values":{"a":"caf\xe9"}}', 'latin1'),
      'puppet.log': 'Error: x\n',
    });
    assert.deepEqual(results, {
      report: { status: 'failed' },
      facts: { a: 'caf\ufffd' },
      errors: [],
      errorLines: ['x'],
      problems: [],
    });
  });

  test('no report: the errors come from the output', async (t) => {
    const { errors } = await read(t, { 'puppet.log': 'Notice: a\nError: caf\nNotice: b\n' });
    assert.deepEqual(errors, ['Error: caf']);
  });

  const odd: Record<string, Readonly<Record<string, string | number>>> = {
    'a report that was cut': { 'report.json': '{"status":' },
    'a report of 17 MB': { 'report.json': 17 * 1024 ** 2 },
    'a report that is a directory': { 'report.json/x': '' },
    'facts of 33 MB': { [FACTS]: 33 * 1024 ** 2 },
    'facts that were cut': { [FACTS]: '{"values' },
  };
  for (const [name, files] of Object.entries(odd)) {
    test(name, async (t) => {
      const { report, facts, problems } = await read(t, files);
      assert.deepEqual([report, facts, problems.length], [undefined, undefined, 1]);
    });
  }

  test('invalid facts', async (t) => {
    assert.equal((await read(t, { [FACTS]: '7' })).facts, undefined);
  });

  test('only the start of an uncut output is read', async (t) => {
    const { errors } = await read(t, { 'puppet.log': 3 * 1024 ** 3 });
    assert.equal(errors.length, 1);
    assert.ok((errors[0]?.length ?? 0) <= 4 * 1024 ** 2);
  });
});
