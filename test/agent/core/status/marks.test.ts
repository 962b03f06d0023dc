import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkMark,
  type Mark,
  outcomeMark,
  statusMark,
} from '../../../../agent/core/status/marks.ts';

const RUN = '20261130T103217Z-f9a4aa  2026-11-30T10:32:17Z  ';
const lines: Record<string, readonly [(line: string) => Mark | undefined, Mark | undefined]> = {
  'run        failed 2 s ago, 2.4 s': [statusMark, 'red'],
  'run        unchanged 2 s ago; it failed before': [statusMark, undefined],
  '           failed: text of Puppet': [statusMark, undefined],
  'bad        2.0.0: not-compiled with exit code 1': [statusMark, 'red'],
  'trust      ok': [statusMark, undefined],
  'trust      metadata-expired:timestamp': [statusMark, 'red'],
  'disabled   database migration; undo with: mm-agent enable': [statusMark, 'yellow'],
  'clock      60 days ahead of that of the bucket': [statusMark, 'yellow'],
  'clock      never before 2026-11-30T10:31:34.000Z': [statusMark, undefined],
  'daemon     not running; start it with: systemctl start mm-agent': [statusMark, 'yellow'],
  'failed   clock: 600 s behind that of the bucket': [checkMark, 'red'],
  'warning  service: no daemon runs on this host': [checkMark, 'yellow'],
  'ok       name: failed.example.com': [checkMark, undefined],
  'not-compiled 2 s ago, 2.2 s; new release 2.0.0': [outcomeMark, 'red'],
  'skipped 0 s ago, 0.0 s; disabled': [outcomeMark, 'yellow'],
  [`${RUN}stable 1.0.0   failed            1 changed  2.3 s  a run was requested`]: [
    outcomeMark,
    'red',
  ],
  [`${RUN}stable         not-compiled      no report  2.3 s  new release`]: [outcomeMark, 'red'],
  [`${RUN}stable 1.0.0   unchanged         0 changed  2.3 s  try 1 of 5 after a failed run`]: [
    outcomeMark,
    undefined,
  ],
};
for (const [line, [markOf, want]] of Object.entries(lines)) {
  test(`marks: ${line}`, () => assert.equal(markOf(line), want));
}
