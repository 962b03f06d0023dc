import assert from 'node:assert/strict';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HistoryEntry } from '../../../agent/core/run/history-entry.ts';
import { keptOutput } from '../../../agent/io/puppet/output/kept-output.ts';
import { outputPath } from '../../../agent/io/puppet/run-directory/paths.ts';
import { readHistory, readKeptOutput, runHistory } from '../../../agent/io/run-history.ts';
import { fakeLog } from '../../support/fake-log.ts';
import { sampleRun } from '../../support/status-sample.ts';
import { names, temporaryDirectory } from '../../support/temporary-directory.ts';

const ESC = '\u001b';
const entry = (id: string): HistoryEntry => ({
  schemaVersion: 1,
  environment: 'stable',
  release: { version: '1.4.2', sha256: 'a'.repeat(64) },
  run: { ...sampleRun, id },
});

test('history: runs and what they printed come back, for root only', async (t) => {
  const root = await temporaryDirectory(t);
  const directory = join(root, 'history');
  const log = fakeLog();
  const { add } = runHistory(directory, log);
  await writeFile(outputPath(root), 'Notice: one\n');
  add(entry('20261129T100000Z-aaaaaa'), root);
  add(entry('2026-11-29T11:00:00.000Z'), join(root, 'no-such-run'));
  add(entry('../../escape'), root);
  assert.deepEqual(log.lines, []);
  const ids = readHistory(directory).map(({ run }) => run.id);
  assert.deepEqual(ids.sort(), [
    '../../escape',
    '2026-11-29T11:00:00.000Z',
    '20261129T100000Z-aaaaaa',
  ]);
  assert.equal(readKeptOutput(directory, '20261129T100000Z-aaaaaa'), 'Notice: one\n');
  assert.equal(readKeptOutput(directory, '2026-11-29T11:00:00.000Z'), undefined);
  assert.deepEqual(
    await names(root),
    ['history', 'puppet.log'],
    'no file outside of the directory',
  );
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  for (const name of await names(directory)) {
    assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600, name);
  }
});

test('history: damaged files are left out, and a full disk is a warning', async (t) => {
  const root = await temporaryDirectory(t);
  assert.deepEqual(readHistory(join(root, 'none')), []);
  await mkdir(join(root, 'history'));
  await writeFile(join(root, 'history/a.json'), '{');
  await writeFile(join(root, 'history/a.log.gz'), 'not gzip');
  assert.deepEqual(readHistory(join(root, 'history')), []);
  assert.equal(readKeptOutput(join(root, 'history'), 'a'), undefined);
  const log = fakeLog();
  await writeFile(join(root, 'file'), '');
  runHistory(join(root, 'file'), log).add(entry('a'), root);
  assert.deepEqual(
    log.lines.map(({ event }) => event),
    ['history.not-saved'],
  );
  assert.equal(await readFile(join(root, 'file'), 'utf8'), '');
});

const printed: Record<string, { bytes: string; maxBytes?: number; want: string }> = {
  'lines stay, with their indentation': { bytes: 'Notice: a\n  b\n', want: 'Notice: a\n  b\n' },
  'a last line without a line feed': { bytes: 'a', want: 'a\n' },
  nothing: { bytes: '', want: '' },
  'escape sequences lose their effect': { bytes: `${ESC}[2Ja\r\n`, want: '[2Ja\n' },
  'a password is hidden': {
    bytes: "Notice: db_password => 'hunter2hunter2'\n",
    want: 'Notice: db_password => [redacted]\n',
  },
  'a private key is hidden, also in the part that is left out': {
    bytes:
      '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nMIIEox\n-----END RSA PRIVATE KEY-----\nafter\n',
    maxBytes: 40,
    want: '(left out before this: 3 lines)\n[a line of a private key]\nafter\n',
  },
};
for (const [name, { bytes, maxBytes, want }] of Object.entries(printed)) {
  test(`history: of the output, ${name}`, () => {
    assert.equal(keptOutput(Buffer.from(bytes), maxBytes), want);
  });
}
