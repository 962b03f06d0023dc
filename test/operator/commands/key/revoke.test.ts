import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { blobKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer, PublishAnswer } from '../../../../operator/answers.ts';
import { snapshotOf } from '../../commit/shared-tree.ts';
import { changed, codeOf, hostOf, newKey } from '../../key-commands.ts';
import { BUCKET, TREE } from '../../operator-lab.ts';
import { type CiLab, ciLab, Thief } from './theft.ts';

/** A revocation must not sign the release of the thief again without a person who says so. */

const REVOKE = ['key', 'revoke', 'ci', '--replace-by', 'ci2'];
const EVIL = Buffer.from('what the thief wants hosts to run');

interface Scene extends CiLab {
  readonly thief: Thief;
  /** Sha256 of the release of testing that the operator published last. */
  readonly honest: string;
  readonly evil: string;
}

/** The thief of the key of testing has published a release. */
async function stolen(t: TestContext): Promise<Scene> {
  const lab = await ciLab(t);
  await newKey(lab, 'ci2');
  const { json } = await lab.mm(['releases', 'testing', '--json']);
  const honest = json.environments[0].current.sha256 as string;
  const thief = new Thief(lab);
  const evil = await publishEvil(lab, thief, { version: 20, label: '6.6.6' });
  return { ...lab, thief, honest, evil };
}

async function publishEvil(
  lab: CiLab,
  thief: Thief,
  { version, label, bytes = EVIL }: { version: number; label: string; bytes?: Buffer },
): Promise<string> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  lab.server.put(BUCKET, blobKey(TREE, sha256), bytes);
  const custom = {
    schema: 1,
    version: label,
    release: `20260401T000000Z-${sha256.slice(0, 12)}`,
    commit: 'e'.repeat(40),
    created: '2026-04-01T00:00:00Z',
    by: 'ci',
    reason: '',
    hold: false,
    stop: false,
    minAgent: null,
  };
  const target = { length: bytes.length, hashes: { sha256 }, custom };
  await thief.signTesting(version, {
    targets: { 'testing/current': target, 'testing/next': target },
  });
  await thief.signOnline({ 'env-testing': version });
  return sha256;
}

/**
 * Release 1.0.0 of testing, which only the operator signed; ci may publish as well. Returns its
 * sha256.
 */
async function publishedByOperator(lab: CiLab): Promise<string> {
  await changed(lab, ['key', 'rotate', '--role', 'testing', '--add', 'operator']);
  const away = join(lab.directory, 'ci.json');
  await rename(lab.testing, away);
  const publish = ['publish', 'testing', '--no-validate', '--force', '--version', '1.0.0'];
  const { json } = await lab.mm([...publish, '--json']);
  await rename(away, lab.testing);
  return PublishAnswer.parse(json).release.sha256;
}

async function offered(t: TestContext, lab: CiLab): Promise<string | undefined> {
  const { trusted } = await (await hostOf(t, lab, 'fresh')).poll(['testing']);
  const offer = trusted.environments.get('testing');
  assert.equal(offer?.next?.sha256 === offer?.current?.sha256 || offer?.next === undefined, true);
  return offer?.current?.sha256;
}

test('row 6: a revocation lists the releases that only the revoked key signed, and refuses to choose', async (t) => {
  const lab = await stolen(t);
  const before = snapshotOf(lab.server);
  for (const more of [[], ['--noop']]) {
    const { exitCode, json } = await lab.mm([...REVOKE, ...more, '--json']);
    assert.notEqual(exitCode, 0);
    const { code, message, next } = ErrorAnswer.parse(json).error;
    assert.equal(code, 'USAGE');
    for (const word of [
      'testing/current',
      'testing/next',
      'release 6.6.6',
      'e'.repeat(40),
      '2026-04-01T00:00:00Z',
      lab.evil,
      'signed by ci ',
    ]) {
      assert.ok(message.includes(word), `${word} in ${message}`);
    }
    assert.doesNotMatch(message, /stable/);
    assert.match(String(next), /mm key revoke ci --replace-by ci2 --keep, or --back-to RELEASE/);
  }
  assert.deepEqual(snapshotOf(lab.server), before);
});

test('row 6: --back-to goes back to an earlier release, by version or sha256, and hosts follow', async (t) => {
  for (const by of ['version', 'sha256'] as const) {
    const lab = await stolen(t);
    const host = await hostOf(t, lab, 'saw');
    const seen = (await host.poll(['testing'])).trusted.environments.get('testing');
    assert.equal(seen?.current?.sha256, lab.evil);
    const release = by === 'version' ? '0.1.0' : `testing=${lab.honest}`;
    const answer = await changed(lab, [...REVOKE, '--back-to', release]);
    assert.equal(answer.outcome, 'committed');
    assert.ok(answer.changes.some((line) => line.startsWith('back: testing to release 0.1.0,')));
    assert.equal(await offered(t, lab), lab.honest);
    const after = (await host.poll(['testing'])).trusted.environments.get('testing');
    assert.deepEqual([after?.current?.sha256, after?.next], [lab.honest, undefined]);
    assert.equal((await lab.mm(['doctor'])).exitCode, 0);
  }
});

test('row 6: --keep signs the same release again, and says so', async (t) => {
  const lab = await stolen(t);
  const { changes } = await changed(lab, [...REVOKE, '--keep']);
  assert.ok(
    changes.some((line) => /^kept: testing\/current: release 6\.6\.6,.* by ci /.test(line)),
  );
  assert.equal(await offered(t, lab), lab.evil);
});

test('row 6: on a terminal it asks', async (t) => {
  const lab = await stolen(t);
  const before = snapshotOf(lab.server);
  const questions: string[] = [];
  const say = (answer: string) => ({
    askLine: (question: string) => {
      questions.push(question);
      return Promise.resolve(answer);
    },
  });
  assert.equal(await codeOf(lab, REVOKE, say('')), 'USAGE');
  assert.deepEqual(snapshotOf(lab.server), before);
  await changed(lab, REVOKE, say('0.1.0'));
  assert.equal(questions.length, 2);
  assert.match(questions[0] ?? '', /testing/);
  assert.equal(await offered(t, lab), lab.honest);
});

test('row 6: a release that cannot be gone back to is refused, and nothing is written', async (t) => {
  const lab = await stolen(t);
  const other = Buffer.from('another tarball of the thief');
  // Two tarballs with the label of the honest release.
  await publishEvil(lab, lab.thief, { version: 21, label: '0.1.0', bytes: other });
  await publishEvil(lab, lab.thief, { version: 22, label: '6.6.6' });
  const refused = async (release: string, code: string) => {
    const before = snapshotOf(lab.server);
    assert.equal(await codeOf(lab, [...REVOKE, '--back-to', release]), code, release);
    assert.deepEqual(snapshotOf(lab.server), before, release);
  };
  await refused('0.1.0', 'USAGE');
  await refused('9.9.9', 'USAGE');
  await refused('stable=0.1.0', 'USAGE');
  const key = blobKey(TREE, lab.honest);
  const blob = lab.server.get(BUCKET, key) ?? Buffer.alloc(0);
  lab.server.put(BUCKET, key, Buffer.alloc(blob.length));
  await refused(lab.honest, 'RELEASE_INVALID');
  lab.server.delete(BUCKET, key);
  await refused(lab.honest, 'RELEASE_INVALID');
  lab.server.put(BUCKET, key, blob);
  await changed(lab, [...REVOKE, '--back-to', lab.honest]);
  assert.equal(await offered(t, lab), lab.honest);
});

test('row 6: a label that another key signed as well is not the one of the thief', async (t) => {
  const lab = await ciLab(t);
  await newKey(lab, 'ci2');
  const honest = await publishedByOperator(lab);
  const thief = new Thief(lab);
  const bytes = Buffer.from('another tarball of the thief');
  await publishEvil(lab, thief, { version: 21, label: '1.0.0', bytes });
  await publishEvil(lab, thief, { version: 22, label: '6.6.6' });
  await changed(lab, ['key', 'revoke', 'ci', '--back-to', '1.0.0']);
  assert.equal(await offered(t, lab), honest);
});

test('row 6: a key that no release depends on is revoked without a question', async (t) => {
  const lab = await ciLab(t);
  await publishedByOperator(lab);
  const { outcome, changes } = await changed(lab, ['key', 'revoke', 'ci']);
  assert.equal(outcome, 'committed');
  assert.doesNotMatch(changes.join('\n'), /kept:/);
});
