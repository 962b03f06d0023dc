import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasColours } from '../../../shared/log/reader.ts';

type Case = Readonly<
  [reader: Parameters<typeof hasColours>[0], env: NodeJS.ProcessEnv, want: boolean]
>;

const CASES: Record<string, Case> = {
  'a terminal': ['terminal', { TERM: 'xterm' }, true],
  'a terminal without TERM': ['terminal', {}, true],
  'a file': ['file', { TERM: 'xterm' }, false],
  'the journal': ['journal', { TERM: 'xterm' }, false],
  'a dumb terminal': ['terminal', { TERM: 'dumb' }, false],
  NO_COLOR: ['terminal', { NO_COLOR: '1' }, false],
  'an empty NO_COLOR': ['terminal', { NO_COLOR: '' }, true],
  'FORCE_COLOR to a file': ['file', { FORCE_COLOR: '1' }, true],
  'an empty FORCE_COLOR': ['file', { FORCE_COLOR: '' }, true],
  'FORCE_COLOR=0': ['terminal', { FORCE_COLOR: '0' }, false],
  'FORCE_COLOR=false': ['terminal', { FORCE_COLOR: 'false' }, false],
  'FORCE_COLOR wins': ['terminal', { FORCE_COLOR: '1', NO_COLOR: '1', TERM: 'dumb' }, true],
  'FORCE_COLOR to the journal': ['journal', { FORCE_COLOR: '1' }, false],
};

for (const [name, [reader, env, want]] of Object.entries(CASES)) {
  test(`colours: ${name}`, () => assert.equal(hasColours(reader, env), want));
}
