import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChangeAnswer } from '../../../operator/answers.ts';
import { ciLab } from '../commands/key/theft.ts';
import { newKey } from '../key-commands.ts';

const REVOKE = ['key', 'revoke', 'ci', '--replace-by', 'ci2'];
const RECOVER = ['key', 'rotate', '--role', 'testing', '--recover', '--add', 'ci2'];

test('changes: what --keep signs again is said to be unchanged, and no role to be without keys', async (t) => {
  const lab = await ciLab(t);
  await newKey(lab, 'ci2');
  const lines = async (...args: string[]) => {
    const { json, stderr } = await lab.mm([...args, '--noop', '--json']);
    const { changes } = ChangeAnswer.parse(json, { error: () => stderr });
    assert.deepEqual(
      changes.filter((line) => /never|none$|spec_version|x-tree/.test(line)),
      [],
    );
    return changes;
  };
  const kept = await lines(...REVOKE, '--keep');
  assert.equal(kept.at(-1), 'testing: unchanged, signed again');
  const dropped = await lines(...REVOKE, '--drop', 'testing');
  assert.match(dropped.at(-1) ?? '', /^ {2}testing\/current: nothing, before: 0\.1\.0 /);
  const recovered = await lines(...RECOVER, '--keep');
  assert.ok(recovered.includes('  testing: now by role env-testing-2'));
  assert.ok(!recovered.some((line) => line.includes('no key may publish')));
});
