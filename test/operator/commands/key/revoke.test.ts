import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { blobKey, metadataKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer, PublishAnswer } from '../../../../operator/answers.ts';
import { changed, codeOf, hostOf, newKey } from '../../key-commands.ts';
import { BUCKET, snapshotOf, TREE } from '../../operator-lab.ts';
import { type CiLab, ciLabs, Thief } from './theft.ts';

/** A revocation must not sign the release of the thief again without a person who says so. */

const REVOKE = ['key', 'revoke', 'ci', '--replace-by', 'ci2'];
const EVIL = Buffer.from('what the thief wants hosts to run');

interface Scene extends CiLab {
  readonly thief: Thief;
  /** Sha256 of the release of testing that the operator published last. */
  readonly honest: string;
  readonly evil: string;
}

const ciLab = ciLabs((lab) => newKey(lab, 'ci2'));

/** The thief of the key of testing has published a release. */
async function stolen(t: TestContext): Promise<Scene> {
  const lab = await ciLab(t);
  const { json } = await lab.mm(['releases', 'testing', '--json']);
  const honest = json.environments[0].current.sha256 as string;
  const thief = new Thief(lab);
  const evil = await publishEvil(lab, thief, { version: 20, label: '6.6.6' });
  return { ...lab, thief, honest, evil };
}

async function publishEvil(
  lab: CiLab,
  thief: Thief,
  given: {
    readonly version: number;
    readonly label: string;
    readonly bytes?: Buffer;
    readonly change?: object;
  },
): Promise<string> {
  const { version, label, bytes = EVIL, change } = given;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  lab.server.put(BUCKET, blobKey(TREE, sha256), bytes);
  const release = `20260401T000000Z-${sha256.slice(0, 12)}`;
  const custom = {
    ...{ schema: 1, version: label, release, commit: 'e'.repeat(40) },
    ...{ created: '2026-04-01T00:00:00Z', by: 'ci', reason: '' },
    ...{ hold: false, stop: false, minAgent: null, ...(change && { change }) },
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

const ROTATE = ['key', 'rotate', '--role', 'testing', '--add', 'ci2', '--remove', 'ci'];

test('row 6: key rotate --remove asks the same as key revoke', async (t) => {
  const lab = await stolen(t);
  const before = snapshotOf(lab.server);
  for (const more of [[], ['--noop'], ['--out', 'proposal.json'], ['--threshold', '1']]) {
    const { json } = await lab.mm([...ROTATE, ...more, '--json']);
    const { code, message, next } = ErrorAnswer.parse(json).error;
    assert.equal(code, 'USAGE');
    assert.match(message, /testing\/current: release 6\.6\.6,.* signed by ci /);
    assert.ok(String(next).includes(`mm ${ROTATE.join(' ')}`));
  }
  assert.deepEqual(snapshotOf(lab.server), before);
  await changed(lab, [...ROTATE, '--back-to', '0.1.0']);
  assert.equal(await offered(t, lab), lab.honest);
});

test('row 6: key rotate --remove --keep signs the same release again, and says so', async (t) => {
  const lab = await stolen(t);
  const { changes } = await changed(lab, [...ROTATE, '--keep']);
  assert.ok(changes.some((line) => line.startsWith('kept: testing/current: release 6.6.6,')));
  assert.equal(await offered(t, lab), lab.evil);
});

test('row 6: key rotate --remove asks about its own roles only, and not without a release', async (t) => {
  const lab = await stolen(t);
  await changed(lab, ['key', 'rotate', '--role', 'online', '--add', 'ci']);
  const rotate = ['key', 'rotate', '--role', 'online', '--remove', 'ci'];
  const { outcome, changes } = await changed(lab, rotate);
  assert.equal(outcome, 'committed');
  assert.doesNotMatch(changes.join('\n'), /kept:/);
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

/** A thief with the key ci has published; the operator, whose key stays, then did this. */
const SIGNED_AGAIN: Readonly<Record<string, readonly string[]>> = {
  'mm hold': ['hold', 'testing', '--reason', 'what is this?'],
  'mm renew': ['renew', 'testing'],
};

for (const [name, args] of Object.entries(SIGNED_AGAIN)) {
  test(`row 6: ${name} of an honest operator does not vouch for the release of a thief`, async (t) => {
    const lab = await ciLab(t);
    const honest = await publishedByOperator(lab);
    const { signed } = lab.metadata('timestamp.json');
    const before = signed.version as number;
    const version = 20;
    // A statement that the next version would make look true.
    const change = { action: 'publish', by: 'op', at: '2026-04-01T00:00:00Z', reason: '' };
    await publishEvil(lab, new Thief(lab), {
      version,
      label: '1.0.0',
      change: { ...change, after: version },
    });
    const away = join(lab.directory, 'ci.json');
    await rename(lab.testing, away);
    const done = await lab.mm([...args, '--json']);
    assert.equal(done.exitCode, 0, done.stderr);
    assert.ok(lab.metadata('timestamp.json').signed.version > before + 1, 'it signed nothing');
    assert.equal((await lab.mm(['renew', 'testing'])).exitCode, 0, 'an older file signed again');
    await rename(away, lab.testing);
    const revoke = ['key', 'revoke', 'ci'];
    // A thief of the bucket removes or replaces the file that shows who published.
    const key = metadataKey(TREE, `${version}.env-testing.json`);
    const thief = new Thief(lab);
    const swap = async (fields: object) =>
      lab.server.put(BUCKET, key, await thief.signStable(version, fields));
    for (const [what, spoil] of Object.entries({
      removed: () => lab.server.delete(BUCKET, key),
      'of the thief': () => thief.signRole('env-testing', version, { targets: {} }),
      'of another role': () => swap({}),
      'of another role, by an older mm': () => swap({ 'x-role': undefined }),
    })) {
      await spoil();
      assert.equal(await codeOf(lab, revoke), 'USAGE', what);
    }
    await changed(lab, [...revoke, '--back-to', '1.0.0']);
    assert.equal(await offered(t, lab), honest);
  });
}

test('row 6: a release that the operator chose after the thief needs no question', async (t) => {
  const lab = await ciLab(t);
  const honest = await publishedByOperator(lab);
  await publishEvil(lab, new Thief(lab), { version: 20, label: '6.6.6' });
  const away = join(lab.directory, 'ci.json');
  await rename(lab.testing, away);
  assert.equal((await lab.mm(['rollback', 'testing', honest, '--yes'])).exitCode, 0);
  assert.equal((await lab.mm(['hold', 'testing', '--reason', 'r'])).exitCode, 0);
  await rename(away, lab.testing);
  await changed(lab, ['key', 'revoke', 'ci']);
  assert.equal(await offered(t, lab), honest);
});

test('row 6: an environment that got the release of the thief by mm promote is named', async (t) => {
  const lab = await stolen(t);
  for (const to of ['stable', 'dev_a'])
    await lab.mm(['promote', 'testing', to, '--yes', '--older', '--no-rebuild']);
  for (const choice of ['--drop=testing', `--back-to=${lab.honest}`]) {
    const { changes } = await changed(lab, [...REVOKE, choice, '--noop']);
    const named = changes.filter((line) => line.startsWith('unchanged: '));
    const next = named.map((line) => line.split('; ')[1]);
    assert.deepEqual(next, ['mm rollback stable', 'mm rollback dev_a'], choice);
  }
});
