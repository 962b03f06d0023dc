import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PuppetLine } from '../../../../../agent/core/run/puppet-run.ts';
import { foldLines } from '../../../../../agent/io/puppet/output/fold-lines.ts';

const FACTER = 'Error: Facter: Permission denied @ rb_sysopen - /proc/1/environ';

function folding() {
  let now = 0;
  const passed: string[] = [];
  const lines = foldLines(
    ({ text }) => passed.push(text),
    () => now,
  );
  return {
    passed,
    end: lines.end,
    push: (text: string, level: PuppetLine['level'] = 'info') => lines.push({ level, text }),
    wait(ms: number) {
      now += ms;
      lines.tick();
    },
  };
}

test('folded lines: 18 equal errors of Facter are one line', () => {
  const { push, wait, end, passed } = folding();
  for (let n = 0; n < 18; n++) {
    push(FACTER, 'error');
    wait(100);
  }
  push('Notice: Compiled catalog');
  end();
  assert.deepEqual(passed, [`${FACTER} (17 times more)`, 'Notice: Compiled catalog']);
});

test('folded lines: the same text at another level is another line', () => {
  const { push, end, passed } = folding();
  push('x', 'info');
  push('x', 'warn');
  end();
  assert.deepEqual(passed, ['x', 'x']);
});

test('folded lines: only consecutive lines are folded, and empty ones are kept', () => {
  const { push, end, passed } = folding();
  for (const text of ['a', 'b', 'a', 'a', '', '']) push(text);
  end();
  assert.deepEqual(passed, ['a', 'b', 'a (once more)', '', '']);
});

test('folded lines: a line waits a second for an equal one', () => {
  const { push, wait, passed } = folding();
  push('a');
  wait(900);
  assert.deepEqual(passed, []);
  wait(200);
  assert.deepEqual(passed, ['a']);
});

test('folded lines: a line that repeats all the time is passed on after 5 s, then once a minute', () => {
  const { push, wait, end, passed } = folding();
  for (let n = 0; n < 150; n++) {
    push('a');
    wait(500);
  }
  assert.deepEqual(passed, ['a (9 times more)', 'a (120 times more)']);
  end();
  assert.deepEqual(passed.at(-1), 'a (20 times more)');
});
