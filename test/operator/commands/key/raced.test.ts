import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import type { Context } from '../../../../operator/context.ts';
import { afterEachPut, changed, newKey } from '../../key-commands.ts';
import { type CiLab, ciLabs, evilRelease, Thief } from './theft.ts';

/** A thief of the key of testing publishes while the key is revoked. */

const REVOKE = ['key', 'revoke', 'ci', '--replace-by', 'ci2'];
const WAYS: readonly (readonly string[])[] = [
  [...REVOKE, '--keep'],
  [...REVOKE, '--drop', 'testing'],
  [...REVOKE, '--back-to', '0.1.0'],
  ['key', 'rotate', '--role', 'testing', '--add', 'ci2', '--remove', 'ci', '--keep'],
  ['key', 'rotate', '--role', 'testing', '--recover', '--add', 'ci2', '--keep'],
];

const ciLab = ciLabs((lab) => newKey(lab, 'ci2'));

/** The thief has published 6.6.6 before. */
async function stolen(t: TestContext): Promise<CiLab> {
  const lab = await ciLab(t);
  await publishEvil(lab, 20, '6.6.6');
  return lab;
}

async function publishEvil(lab: CiLab, version: number, label: string): Promise<void> {
  const thief = new Thief(lab);
  const now = thief.signedOf('env-testing').targets['testing/current'];
  const current = evilRelease(lab, { ...now, custom: { ...now.custom, version: label } });
  await thief.signTesting(version, { targets: { 'testing/current': current } });
  await thief.signOnline({ 'env-testing': version });
}

/** Runs this once, between what the command has read and its commit. */
function meanwhile(work: () => Promise<unknown>): Pick<Context, 'openBucket'> {
  let isDone = false;
  return afterEachPut(async (key) => {
    if (isDone || !key.includes('env-testing')) return;
    isDone = true;
    await work();
  });
}

test('row 6: --keep counts for the releases that the command found first', async (t) => {
  for (const args of WAYS) {
    const way = args.join(' ');
    const lab = await stolen(t);
    let published: unknown;
    const race = meanwhile(async () => {
      await publishEvil(lab, 30, '7.7.7');
      published = lab.metadata('timestamp.json');
    });
    const { json } = await lab.mm([...args, '--json'], race);
    const { code, message, next } = ErrorAnswer.parse(json).error;
    assert.equal(code, 'NOT_CONFIRMED', way);
    assert.match(message, /testing\/current: release 7\.7\.7,.* signed by ci /);
    assert.doesNotMatch(message, /6\.6\.6/);
    assert.deepEqual(lab.metadata('timestamp.json'), published, way);
    const [, again = ''] = /: mm (.*)$/.exec(String(next)) ?? [];
    assert.deepEqual(again.split(' ').toSorted(), [...args].toSorted());
    assert.equal((await changed(lab, again.split(' '))).outcome, 'committed', way);
  }
});

test('row 6: --keep goes on when somebody was faster, and the releases are the same', async (t) => {
  const lab = await stolen(t);
  const race = meanwhile(() => new Thief(lab).signOnline({}));
  const { outcome, changes } = await changed(lab, [...REVOKE, '--keep'], race);
  assert.equal(outcome, 'committed');
  assert.ok(changes.some((line) => line.startsWith('kept: testing/current: release 6.6.6,')));
});

test('row 6: on a terminal it asks again about a release that was published meanwhile', async (t) => {
  const lab = await stolen(t);
  const shown: string[] = [];
  const answers = ['keep', ''];
  const { json } = await lab.mm([...REVOKE, '--json'], {
    ...meanwhile(() => publishEvil(lab, 30, '7.7.7')),
    notice: (line) => shown.push(line),
    askLine: () => Promise.resolve(answers.shift() ?? ''),
  });
  assert.equal(ErrorAnswer.parse(json).error.code, 'USAGE');
  assert.deepEqual(answers, []);
  assert.ok(shown.some((line) => line.startsWith('testing/current: release 7.7.7,')));
});
