import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../operator/answers.ts';
import { initialized } from '../operator-lab.ts';

test('words: what cannot be done names the next command', async (t) => {
  const lab = await initialized(t);
  const rows = [
    { args: ['releases', '--limit', '3'], next: 'mm releases stable --limit 3' },
    { args: ['validate', '/nope'], next: /^mm validate DIR, / },
    { args: ['promote', 'nope', 'stable'], next: /^the same command with an environment of / },
  ];
  for (const { args, next } of rows) {
    const { error } = ErrorAnswer.parse((await lab.mm([...args, '--json'])).json);
    const isRight = typeof next === 'string' ? error.next === next : next.test(error.next ?? '');
    assert.ok(isRight, `${args.join(' ')}: ${error.next}`);
  }
});
