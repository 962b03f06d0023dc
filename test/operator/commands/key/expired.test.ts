import assert from 'node:assert/strict';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { changed, codeOf, hostOf, newKey } from '../../key-commands.ts';
import { snapshotOf } from '../../operator-lab.ts';
import { ciLabs, RECOVER, Thief } from './theft.ts';

/*
 * An environment has expired, and its key is elsewhere. Whatever is committed for the others is a
 * success; what no host could follow is refused before anything is written.
 */

const ciLab = ciLabs(async (lab) => {
  await newKey(lab, 'online2');
  await newKey(lab, 'stable2');
});

const DAY_MS = 86_400_000;
const EXPIRED = /^testing expired at .*, and its hosts keep what they have: mm renew testing$/m;

test('expired: what is committed while testing has expired is a success with a warning', async (t) => {
  const lab = await ciLab(t);
  const later = { now: () => Date.now() + 200 * DAY_MS };
  await rename(lab.testing, join(lab.directory, 'ci.json'));
  for (const args of [
    ['renew'],
    ['publish', 'stable', '--no-validate', '--force'],
    ['key', 'rotate', '--role', 'stable', '--add', 'stable2'],
    ['key', 'revoke', 'online1', '--replace-by', 'online2'],
    ['renew', '--finish', 'online'],
  ]) {
    const { exitCode, stderr } = await lab.mm(args, later);
    assert.equal(exitCode, 0, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, EXPIRED, args.join(' '));
  }
  const host = await hostOf(t, lab, 'host', later.now);
  await host.poll(['stable']);
  await assert.rejects(host.poll(['testing']), { code: 'METADATA_EXPIRED' });
});

test('expired: with targets expired nothing is written', async (t) => {
  const lab = await ciLab(t);
  const later = { now: () => Date.now() + 400 * DAY_MS };
  const before = snapshotOf(lab.server);
  for (const args of [
    ['renew', 'online'],
    ['key', 'revoke', 'online1', '--replace-by', 'online2'],
  ]) {
    assert.equal(await codeOf(lab, args, later), 'METADATA_EXPIRED', args.join(' '));
  }
  assert.deepEqual(snapshotOf(lab.server), before);
});

test('expired: a machine that has not seen the bucket renews what has expired with --trust-bucket', async (t) => {
  const lab = await ciLab(t);
  const later = { now: () => Date.now() + 400 * DAY_MS };
  await rm(join(lab.repository, '.miyamoto'), { recursive: true });
  const { json } = await lab.mm(['key', 'list', '--json'], later);
  const { code, next } = ErrorAnswer.parse(json).error;
  assert.equal(code, 'METADATA_EXPIRED');
  assert.match(String(next), /mm renew --trust-bucket$/);
  for (const args of [['renew', 'root', 'targets', '--trust-bucket'], ['renew']]) {
    const { exitCode, stderr } = await lab.mm(args, later);
    assert.equal(exitCode, 0, stderr);
  }
  assert.equal((await lab.mm(['key', 'list'], later)).exitCode, 0);
  await (await hostOf(t, lab, 'host', later.now)).poll(['stable', 'testing']);
});

test('expired: no expiry of a thief is too early for the ways back', async (t) => {
  const expires = '-271821-04-20T00:00:00Z';
  const revoke = ['key', 'revoke', 'ci', '--replace-by', 'stable2', '--drop', 'testing'];
  for (const where of ['testing', 'snapshot', 'timestamp']) {
    const lab = await ciLab(t);
    const thief = new Thief(lab);
    const isTesting = where === 'testing';
    if (isTesting) await thief.signTesting(20, { expires });
    await thief.signOnline(isTesting ? { 'env-testing': 20 } : {}, {}, { [where]: { expires } });
    if (isTesting) {
      const done = await lab.mm(['publish', 'stable', '--no-validate', '--force']);
      assert.equal(done.exitCode, 0, done.stderr);
    }
    assert.equal((await changed(lab, isTesting ? revoke : RECOVER)).outcome, 'committed', where);
    const { trusted } = await (await hostOf(t, lab, 'fresh')).poll(['stable', 'testing']);
    assert.ok(trusted.environments.get('stable')?.current, where);
  }
});
