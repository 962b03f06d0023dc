import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textOf } from '../../../agent/io/log.ts';
import type { LogEntry, TextStyle } from '../../../shared/log/open-log.ts';

const ENTRY: LogEntry = {
  level: 'info',
  time: '2026-11-29T03:04:05.678Z',
  event: 'run.ended',
  fields: { status: 'changed', changed: 6, error: null, none: undefined },
};
const PUPPET: LogEntry = {
  ...ENTRY,
  level: 'error',
  event: 'puppet.line',
  fields: { text: 'Error: no' },
};
const PLAIN: TextStyle = { reader: 'terminal', colours: false };

type Case = Readonly<[entry: LogEntry, style: TextStyle, want: string]>;

const CASES: Record<string, Case> = {
  'on a terminal with the time of day': [
    ENTRY,
    PLAIN,
    '03:04:05 run.ended  status=changed  changed=6',
  ],
  'in the journal without a time': [
    ENTRY,
    { ...PLAIN, reader: 'journal' },
    'run.ended  status=changed  changed=6',
  ],
  'in a file with the date': [
    ENTRY,
    { ...PLAIN, reader: 'file' },
    '2026-11-29T03:04:05.678Z run.ended  status=changed  changed=6',
  ],
  'a warning is marked': [
    { ...ENTRY, level: 'warn', fields: {} },
    PLAIN,
    '03:04:05 warn: run.ended',
  ],
  'a value cannot look like a field': [
    { ...ENTRY, fields: { error: 'x  code=OK' } },
    PLAIN,
    '03:04:05 run.ended  error=x code=OK',
  ],
  'a line of Puppet as it was printed': [PUPPET, PLAIN, 'Error: no'],
  'a line of Puppet in a file': [
    PUPPET,
    { ...PLAIN, reader: 'file' },
    '2026-11-29T03:04:05.678Z Error: no',
  ],
  'a line of Puppet in colour': [PUPPET, { ...PLAIN, colours: true }, '\x1b[31mError: no\x1b[39m'],
  'in colour': [
    { ...ENTRY, level: 'warn', fields: { n: 1 } },
    { ...PLAIN, colours: true },
    '\x1b[2m03:04:05 \x1b[22m\x1b[33mwarn: \x1b[39mrun.ended  \x1b[2mn=\x1b[22m1',
  ],
};

for (const [name, [entry, style, want]] of Object.entries(CASES)) {
  test(`text of the log: ${name}`, () => assert.equal(textOf(entry, style), want));
}
