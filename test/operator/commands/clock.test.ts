import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metadataKey } from '../../../bucket/layout.ts';
import { ErrorAnswer } from '../../../operator/answers.ts';
import { DoctorAnswer } from '../../../operator/key-answers.ts';
import { BUCKET, initArgs, initialized, openOperatorLab, TREE } from '../operator-lab.ts';

const DAY_MS = 86_400_000;
const COMMANDS = [
  ['publish', 'stable', '--no-validate'],
  ['publish', 'stable', '--no-validate', '--noop'],
  ['publish', 'stable', '--no-validate', '--out', 'release.proposal.json'],
  ['hold', 'stable', '--reason', 'lunch'],
  ['renew'],
  ['renew', 'online'],
  ['key', 'rotate', '--role', 'online', '--recover', '--add', 'operator'],
  ['environment', 'add', 'production'],
];

for (const [who, days] of [
  ['behind', 70],
  ['ahead of', -70],
  ['behind', 1],
] as const) {
  test(`clock: ${Math.abs(days)} days ${who} S3, nothing is signed, and mm doctor says it`, async (t) => {
    const lab = await initialized(t);
    await lab.mm(['publish', 'stable', '--no-validate']);
    await lab.commit('manifests/site.pp', '# new\n');
    lab.server.dateOffsetMs = days * DAY_MS;
    const before = lab.server.keys(BUCKET);
    for (const args of COMMANDS) {
      const { json, stderr } = await lab.mm([...args, '--json']);
      const { error } = ErrorAnswer.parse(json, { error: () => `${args.join(' ')}: ${stderr}` });
      assert.equal(error.code, 'S3_CLOCK_SKEWED', args.join(' '));
      assert.match(error.message, new RegExp(`${who} S3's: 20.*Z here, 20.*Z there`));
      assert.match(error.next ?? '', /timedatectl/);
    }
    assert.deepEqual(lab.server.keys(BUCKET), before);
    const { json, exitCode } = await lab.mm(['doctor', '--json']);
    const { checks } = DoctorAnswer.parse(json);
    const outcome = checks.find(({ name }) => name === 'clock')?.outcome;
    assert.deepEqual([exitCode, outcome], [1, 'failed']);
    // The header of one answer is not kept.
    lab.server.dateOffsetMs = 0;
    assert.equal((await lab.mm(['publish', 'stable', '--no-validate'])).exitCode, 0);
  });
}

test('clock: a tree is not begun with a wrong clock', async (t) => {
  const lab = await openOperatorLab(t);
  lab.server.dateOffsetMs = 400 * DAY_MS;
  const { json } = await lab.mm(initArgs(lab));
  assert.equal(ErrorAnswer.parse(json).error.code, 'S3_CLOCK_SKEWED');
  assert.deepEqual(lab.server.keys(BUCKET), []);
  lab.server.dateOffsetMs = 10 * 60_000;
  assert.equal((await lab.mm(initArgs(lab))).exitCode, 0, 'ten minutes are no harm');
});

test('clock: no recovery signs with a wrong clock, also without a readable timestamp', async (t) => {
  const lab = await initialized(t);
  await lab.mm(['key', 'new', 'o2']);
  lab.server.dateOffsetMs = 70 * DAY_MS;
  const recover = ['key', 'rotate', '--role', 'online', '--recover', '--add', 'o2', '--json'];
  const key = metadataKey(TREE, 'timestamp.json');
  lab.server.put(BUCKET, key, Buffer.alloc(1024 ** 2));
  const large = ErrorAnswer.parse((await lab.mm(recover)).json);
  lab.server.delete(BUCKET, key);
  const missing = ErrorAnswer.parse((await lab.mm(recover)).json);
  for (const { error } of [large, missing]) assert.equal(error.code, 'S3_CLOCK_SKEWED');
});
