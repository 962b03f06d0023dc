import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const LOG = join(import.meta.dirname, '../../../../operator/cli/terminal/log.ts');

function stderrOf(body: string): string {
  const script = `import { operatorLog } from '${LOG}'; const log = operatorLog({}); ${body}`;
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return stderr;
}

test('log of mm: a notice is one line, a failure keeps its lines', () => {
  const stderr = stderrOf("log.notice('one\\ntwo'); log.failure('mm: no\\n    why\\nnext: x\\n');");
  assert.equal(stderr, 'mm: one two\nmm: no\n    why\nnext: x\n');
});

test('log of mm: as JSON, one object per line', () => {
  const stderr = stderrOf(
    "log.setFormat('json'); log.notice('one'); log.failure('mm: no\\nnext: x');",
  );
  const lines = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ level, message }) => ({ level, message })),
    [
      { level: 'info', message: 'one' },
      { level: 'error', message: 'mm: no\nnext: x' },
    ],
  );
});

test('log of mm: foreign text is cleaned, and a secret hidden', () => {
  const stderr = stderrOf("log.notice('\\x1b[2J\\u202ea https://h/?X-Amz-Signature=abc123');");
  assert.equal(stderr, 'mm: [2Ja https://h/?[redacted]\n');
});
