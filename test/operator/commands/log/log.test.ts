import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metadataKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { LogAnswer } from '../../../../operator/move-answers.ts';
import { BUCKET, TREE } from '../../operator-lab.ts';
import { ciLab, Thief } from '../key/theft.ts';
import { type MoveLab, moveLab } from '../move/move-lab.ts';

const KEY = 'ubuntu/manifests/metadata/timestamp.json';

async function entries(lab: MoveLab, ...args: string[]): Promise<LogAnswer['entries']> {
  const done = await lab.mm(['log', ...args, '--json']);
  assert.equal(done.exitCode, 0, done.stderr);
  return LogAnswer.parse(done.json).entries;
}

const short = (all: LogAnswer['entries']) =>
  all.map(({ environment, action, release, reason }) =>
    [environment, action, release.version, reason].filter(Boolean).join(' '),
  );

test('log: who did what, when, from which commit and why, newest first', async (t) => {
  const lab = await moveLab(t);
  const commit = await lab.publish('testing', 'node default { }', '--reason', 'ticket 7');
  await lab.publish('stable', 'node default { }', '--version', '1.0.0');
  await lab.moved(['promote', 'testing', 'stable', '--yes', '--older', '--reason', 'tested']);
  await lab.moved(['hold', 'stable', '--reason', 'it is Friday']);
  await lab.moved(['resume', 'stable']);
  await lab.moved(['rollback', 'stable', '1.0.0', '--yes', '--reason', 'breaks ntp']);
  const mine = await entries(lab);
  assert.deepEqual(short(mine), [
    'stable rollback 1.0.0 breaks ntp',
    'stable resume 0.1.0',
    'stable hold 0.1.0 it is Friday',
    'stable promote 0.1.0 tested',
    'stable publish 1.0.0',
    'testing publish 0.1.0 ticket 7',
  ]);
  assert.deepEqual([mine[3]?.from, mine[3]?.release.commit], ['testing', commit]);
  assert.deepEqual([mine[2]?.release.hold, mine[1]?.release.hold], [true, false]);
  for (const { by, at, signedBy } of mine) {
    assert.equal(by, 'Ann Lee@laptop');
    assert.ok(Math.abs(Date.parse(at) - Date.now()) < 7_200_000, at);
    assert.deepEqual(
      signedBy.map(({ name }) => name),
      ['operator'],
    );
  }
  assert.deepEqual(short(await entries(lab, 'testing')), ['testing publish 0.1.0 ticket 7']);
  assert.deepEqual(short(await entries(lab, '--limit', '2')), short(mine.slice(0, 2)));
  assert.deepEqual(await entries(lab, 'stable', '--limit', '0'), []);
  const text = await lab.mm(['log', 'stable']);
  assert.match(text.stdout, /^when +environment +what.*\n.*rollback.*breaks ntp$/m);
});

test('log: a renewal is no entry, and does not hide who signed the change', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  const before = await entries(lab, 'stable');
  const renewed = await lab.mm(['renew', 'stable']);
  assert.equal(renewed.exitCode, 0, renewed.stderr);
  assert.deepEqual(await entries(lab, 'stable'), before);
});

test('log: environments that share a role each have their own entries', async (t) => {
  const lab = await moveLab(t);
  for (const user of ['ann', 'bob', 'ann']) {
    await lab.write('manifests/site.pp', `# ${user} ${Math.random()}\n`);
    const done = await lab.mm(['publish', '--working-tree', '--no-validate'], { user });
    assert.equal(done.exitCode, 0, done.stderr);
  }
  assert.deepEqual(short(await entries(lab)), [
    'dev_ann publish 0.1.1',
    'dev_bob publish 0.1.0',
    'dev_ann publish 0.1.0',
  ]);
});

test('log: a publication that lost a race or was killed is no entry', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  await lab.commit('manifests/site.pp', '# never seen by a host\n');
  const match = { method: 'PUT', key: KEY };
  lab.server.faults.add({ kind: 'status', status: 403, code: 'AccessDenied', match });
  assert.equal(
    (await lab.refused(['publish', 'stable', '--no-validate'])).code,
    'S3_ACCESS_DENIED',
  );
  lab.server.faults.clear();
  await lab.moved(['hold', 'stable', '--reason', 'why']);
  assert.ok(lab.files().includes('4.env-stable.json'), 'the killed publication has left a file');
  assert.deepEqual(short(await entries(lab, 'stable')), [
    'stable hold 0.1.0 why',
    'stable publish 0.1.0',
  ]);
});

test('log: who has no key adds nothing and changes nothing', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  await lab.moved(['hold', 'stable', '--reason', 'why']);
  const before = await entries(lab, 'stable');
  const key = (file: string) => `ubuntu/manifests/metadata/${file}`;
  const held = String(lab.server.get(BUCKET, key('3.env-stable.json')));
  const forged = {
    'a higher version': ['9.env-stable.json', held.replace('"version":3', '"version":9')],
    'garbage in an old one': ['1.env-stable.json', '{}'],
    'another reason': [
      '2.env-stable.json',
      held.replace('"version":3', '"version":2').replaceAll('why', 'who'),
    ],
  };
  for (const [file, text] of Object.values(forged))
    lab.server.put(BUCKET, key(file ?? ''), text ?? '');
  assert.deepEqual(await entries(lab, 'stable'), before.slice(0, 1));
});

test('log: any number of files of nobody is one line', async (t) => {
  const lab = await ciLab(t);
  const thief = new Thief(lab);
  await thief.signTesting(5000);
  await thief.signOnline({ 'env-testing': 5000 });
  for (let version = 100; version < 150; version += 1) {
    lab.server.put(BUCKET, metadataKey(TREE, `${version}.env-testing.json`), 'junk');
  }
  const { stderr, exitCode } = await lab.mm(['log', 'testing']);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /^149\.env-testing\.json, .* and 49 more: of another role/m);
  assert.ok(stderr.length < 1000, stderr);
});

test('log: a file name with leading zeros is no version, and is not read', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  await lab.moved(['hold', 'stable', '--reason', 'why']);
  const before = await entries(lab, 'stable');
  lab.server.put(BUCKET, 'ubuntu/manifests/metadata/002.env-stable.json', 'junk');
  const from = lab.server.requests.length;
  assert.deepEqual(await entries(lab, 'stable'), before);
  const read = lab.server.requests.slice(from).map(({ key }) => key);
  assert.equal(read.filter((key) => key.endsWith('/2.env-stable.json')).length, 1);
});

test('log: an unknown environment is ENVIRONMENT_UNKNOWN, an empty one has no entry', async (t) => {
  const lab = await moveLab(t);
  const { json } = await lab.mm(['log', 'prod', '--json']);
  assert.equal(ErrorAnswer.parse(json).error.code, 'ENVIRONMENT_UNKNOWN');
  assert.equal((await lab.mm(['log'])).stdout, 'nothing was published yet\n');
});

test('log: binaries that were put, replaced and removed, by whom, and never those of a lost race', async (t) => {
  const lab = await moveLab(t);
  const start = Date.now() - 3_600_000;
  let minutes = 0;
  const binaries = async (exitCode: number, ...args: string[]) => {
    minutes += 1;
    const now = start + minutes * 60_000;
    const done = await lab.mm(['binaries', ...args], { now: () => now });
    assert.equal(done.exitCode, exitCode, done.stderr);
  };
  await binaries(0, 'init');
  for (const name of ['a.deb', 'b.pkg', 'lost.deb']) await lab.write(name, name);
  await binaries(0, 'put', 'a.deb', 'b.pkg', '--reason', 'ticket 7');
  lab.server.faults.add({
    kind: 'status',
    status: 403,
    code: 'AccessDenied',
    match: { method: 'PUT', key: KEY },
  });
  await binaries(1, 'put', 'lost.deb');
  lab.server.faults.clear();
  await lab.write('b.pkg', 'other');
  await binaries(0, 'put', 'b.pkg', '--replace');
  await binaries(0, 'remove', 'a.deb', 'b.pkg', '--yes', '--reason', 'gone');
  await lab.publish('stable', 'node default { }');
  await binaries(0, 'put', 'a.deb');

  const { json } = await lab.mm(['log', '--json']);
  const found = LogAnswer.parse(json).binaries;
  assert.deepEqual(
    found.map(({ action, name, reason, at }) => {
      const minute = (Date.parse(at) - start) / 60_000;
      return [minute, action, name, reason].join(' ').trim();
    }),
    [
      '6 put a.deb',
      '5 remove a.deb gone',
      '5 remove b.pkg gone',
      '4 replace b.pkg',
      '2 put a.deb ticket 7',
      '2 put b.pkg ticket 7',
    ],
  );
  assert.deepEqual(
    found.map(({ roleVersion }) => roleVersion),
    [6, 5, 5, 4, 2, 2],
  );
  for (const { by, signedBy } of found) {
    assert.deepEqual([by, signedBy.map(({ name }) => name)], ['Ann Lee@laptop', ['operator']]);
  }
  const short = LogAnswer.parse((await lab.mm(['log', '--limit', '2', '--json'])).json);
  assert.equal(short.entries.length + short.binaries.length, 2);
  assert.deepEqual(LogAnswer.parse((await lab.mm(['log', 'stable', '--json'])).json).binaries, []);
  const text = await lab.mm(['log']);
  assert.match(text.stdout, /^\S+Z +binaries +replace +b\.pkg +all hosts .*Ann Lee@laptop/m);
  assert.doesNotMatch(text.stdout + text.stderr, /lost\.deb|of another role/);
});
