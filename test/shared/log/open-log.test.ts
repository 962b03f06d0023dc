import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type LogOptions, openLog } from '../../../shared/log/open-log.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

interface Written {
  readonly log: ReturnType<typeof openLog>;
  /** What was written so far. */
  text(): string;
}

async function logToFile(
  t: TestContext,
  options: Partial<LogOptions> & { readonly isJournal?: boolean } = {},
): Promise<Written> {
  const path = join(await temporaryDirectory(t), 'log');
  const fd = openSync(path, 'a');
  t.after(() => closeSync(fd));
  const { dev, ino } = fstatSync(fd);
  const log = openLog({
    level: 'info',
    format: 'text',
    env: options.isJournal === true ? { JOURNAL_STREAM: `${dev}:${ino}` } : {},
    fd,
    toText: ({ level, event, fields }) => `${level} ${event} ${JSON.stringify(fields)}`,
    ...options,
  });
  return { log, text: () => readFileSync(path, 'utf8') };
}

test('log: the line has been written when the call returns', async (t) => {
  const { log, text } = await logToFile(t);
  log.info('a.b', { n: 1 });
  assert.equal(text(), 'info a.b {"n":1}\n');
});

test('log: nothing is written below the configured level', async (t) => {
  const { log, text } = await logToFile(t, { level: 'warn' });
  log.debug('a.b');
  log.info('a.b');
  log.warn('a.b');
  log.error('a.b');
  assert.equal(text(), 'warn a.b {}\nerror a.b {}\n');
});

test('log: JSON has level, time, fields and event', async (t) => {
  const { log, text } = await logToFile(t, { format: 'json' });
  log.warn('poll.failed', { code: 'S3_UNREACHABLE', seconds: 1.5, none: null, list: ['a'] });
  const { time, ...line } = JSON.parse(text());
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
  const fields = { code: 'S3_UNREACHABLE', seconds: 1.5, none: null, list: ['a'] };
  assert.deepEqual(line, { level: 'warn', event: 'poll.failed', ...fields });
});

for (const format of ['text', 'json'] as const) {
  test(`log: in the journal each ${format} line begins with its priority`, async (t) => {
    const toText = ({ event }: { readonly event: string }) => `${event}\n  more`;
    const { log, text } = await logToFile(t, { level: 'debug', format, isJournal: true, toText });
    for (const level of ['error', 'warn', 'info', 'debug'] as const) log[level]('a.b');
    const priorities = text()
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(0, 3));
    const each = format === 'text' ? 2 : 1;
    assert.deepEqual(
      priorities,
      ['<3>', '<4>', '<6>', '<7>'].flatMap((p) => Array(each).fill(p)),
    );
  });
}

test('log: a JOURNAL_STREAM that names another descriptor is ignored', async (t) => {
  const { log, text } = await logToFile(t, { env: { JOURNAL_STREAM: '1:2' } });
  log.error('a.b');
  assert.equal(text(), 'error a.b {}\n');
});

const CONTROLS = '\x1b[2J\x1b]52;c;aGk=\x07\x9b31m\u202e\u2066\u200b\ud800\r\n\0';

for (const format of ['text', 'json'] as const) {
  test(`log: ${format} contains no control, bidi or invisible character from a field`, async (t) => {
    const { log, text } = await logToFile(t, { format });
    log.warn('a.b', {
      error: `one${CONTROLS}two`,
      deep: [{ [`k${CONTROLS}`]: new Error(CONTROLS) }],
    });
    assert.equal(text().split('\n').length, 2);
    assert.doesNotMatch(text().trimEnd(), /[\p{Cc}\p{Cf}\p{Cs}]|\\u00|\\u202e|\\r/u);
    assert.match(text(), /one .*two/);
  });
}

test('log: the length of a line is bounded for any input', async (t) => {
  const { log, text } = await logToFile(t, { format: 'json' });
  const long = 'x'.repeat(600_000);
  const deep: unknown[] = [];
  deep.push(deep);
  log.error('a.b', { error: long, other: long, list: Array(10_000).fill(long), deep });
  assert.ok(text().length < 30_000, `${text().length}`);
});

test('log: a field with the name of a secret is hidden, and so is a secret in any text', async (t) => {
  const { log, text } = await logToFile(t, { format: 'json' });
  log.error('a.b', {
    token: 's3cret-1',
    s3: { secretAccessKey: 's3cret-2' },
    error: new Error('GET http://127.0.0.1/b?X-Amz-Signature=s3cret-3'),
    list: ['password=s3cret-4'],
  });
  assert.doesNotMatch(text(), /s3cret/);
  assert.equal(text().match(/\[redacted\]/g)?.length, 4);
});

test('log: the indentation of a text is kept', async (t) => {
  const { log, text } = await logToFile(t);
  log.info('puppet.line', { text: '   +  content' });
  assert.equal(text(), 'info puppet.line {"text":"   +  content"}\n');
});

test('log: a descriptor that cannot be written to does not end the process', async (t) => {
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  const { log } = await logToFile(t, { fd: full });
  log.error('a.b');
});
