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
      'puppet.log': 'Exiting\nError: x\n',
    });
    assert.deepEqual(results, {
      report: { status: 'failed' },
      facts: { a: 'caf\ufffd' },
      errors: [],
      errorLines: ['x'],
      signal: 'SIGINT',
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
    'facts that are a list': { [FACTS]: '{"values":[1]}' },
    'facts without values': { [FACTS]: '7' },
  };
  for (const [name, files] of Object.entries(odd)) {
    test(name, async (t) => {
      const { report, reportProblem = [], facts, problems } = await read(t, files);
      assert.deepEqual([report, facts], [undefined, undefined]);
      assert.equal([reportProblem, problems].flat().length, 1);
    });
  }

  test('facts under another name of the node, as node_name_value of puppet.conf makes it', async (t) => {
    const other = 'client_data/facts/other.example.com.json';
    const results = await read(t, { 'report.json': '{}', [other]: '{"values":{"a":1}}' });
    assert.deepEqual([results.facts, results.problems], [{ a: 1 }, []]);
  });

  test('no facts: the problem names the file', async (t) => {
    const { facts, problems } = await read(t, { 'report.json': '{}' });
    assert.equal(facts, undefined);
    assert.match(problems.join(), /^cannot read .*facts\/h1\.json: Puppet left no facts$/);
  });

  test('what went wrong with facts of the host, each line once', async (t) => {
    const { problems } = await read(t, { 'fact-problems': 'one\ntwo\none\n' });
    assert.deepEqual(problems, ['one', 'two']);
  });

  test('the last words of a program: once, hidden and then cut', async (t) => {
    const words = `token=${'s3cr3t'.repeat(60)} ${'x'.repeat(285)}`;
    const { problems } = await read(t, { 'fact-problems': `a\tfirst\nb\t \na\t${words}\n` });
    assert.deepEqual(problems, [`a: ...=[redacted] ${'x'.repeat(285)}`, 'b']);
  });

  test('only the start of an uncut output is read', async (t) => {
    const { errors } = await read(t, { 'puppet.log': 3 * 1024 ** 3 });
    assert.equal(errors.length, 1);
    assert.ok((errors[0]?.length ?? 0) <= 4 * 1024 ** 2);
  });
});
