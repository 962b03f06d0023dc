import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { nested } from '../../../support/nested.ts';
import { changed, changedWithout, hostOf, listKeys, newKey } from '../../key-commands.ts';
import { type CiLab, ciLabs, RECOVER, Thief } from './theft.ts';

/*
 * The thief of the key for testing, of the online key and of the bucket signs an honest release
 * together with what hosts refuse before they read it. Every command goes on elsewhere, and every
 * way back works.
 */

const VERSION = 20;

const ciLab = ciLabs(async (lab) => {
  await newKey(lab, 'ci2');
  await newKey(lab, 'online2');
});

async function scene(t: TestContext): Promise<CiLab & { thief: Thief }> {
  const lab = await ciLab(t);
  return { ...lab, thief: new Thief(lab) };
}

const KEY = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: '00'.repeat(32) } };
const keys = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, { ...KEY, at }]));

const REFUSED: Readonly<Record<string, { fields: object; why: RegExp }>> = {
  '2,600 levels': { fields: { 'x-a': nested(2600) }, why: /at most 64 levels/ },
  '4,500 levels after a wide field': {
    fields: { 'x-a': Array.from({ length: 5000 }, () => 1), 'x-b': nested(4500) },
    why: /at most 64 levels/,
  },
  '100,000 levels': { fields: { 'x-a': nested(100_000) }, why: /at most 64 levels/ },
  'an integer above 2^53': { fields: { 'x-a': 2 ** 60 }, why: /wanted an integer/ },
  'half a surrogate pair': { fields: { 'x-a': '\ud800' }, why: /surrogate/ },
  'a number that is no version, for another file': {
    fields: { meta: { 'a.json': { version: 'x' } } },
    why: /wanted a version/,
  },
  '1,001 delegated keys': {
    fields: { delegations: { keys: keys(1001), roles: [] } },
    why: /at most 1000 delegated keys/,
  },
  'one delegated key twice': {
    fields: { delegations: { keys: keys(2), roles: [] } },
    why: /one public key/,
  },
};

/** Commands that concern other environments. */
const OTHERS = [
  ['renew', 'online'],
  ['publish', 'stable', '--no-validate', '--force'],
  ['key', 'list'],
  ['clean', '--yes'],
];

const WAYS_BACK: readonly (readonly string[])[] = [
  ['key', 'revoke', 'ci', '--replace-by', 'ci2'],
  ['key', 'rotate', '--role', 'testing', '--recover', '--add', 'ci2'],
];

for (const [index, [what, { fields, why }]] of Object.entries(REFUSED).entries()) {
  test(`nesting: ${what}: other environments go on, and the key is revoked`, async (t) => {
    const lab = await scene(t);
    const hosts = await hostOf(t, lab, 'host');
    await lab.thief.signTesting(VERSION, fields);
    await lab.thief.signOnline({ 'env-testing': VERSION });
    await assert.rejects(hosts.poll(['testing']), { code: 'METADATA_INVALID' });
    await hosts.poll(['stable']);
    for (const args of index === 0 ? OTHERS : OTHERS.slice(0, 1)) {
      const { exitCode, stderr } = await lab.mm(args);
      assert.equal(exitCode, 0, `${args.join(' ')}: ${stderr}`);
      assert.match(
        stderr,
        /hosts refuse what is signed for testing .*; next: mm publish testing$/m,
      );
      assert.match(stderr, why);
    }
    if (index === 0) {
      assert.equal((await lab.mm(['doctor'])).exitCode, 1);
      const hold = await lab.mm(['hold', 'testing', '--reason', 'theft', '--json']);
      assert.equal(ErrorAnswer.parse(hold.json).error.next, 'mm publish testing');
    }
    const [way = []] = index % 2 === 0 ? WAYS_BACK : WAYS_BACK.slice(1);
    const { json } = await lab.mm([...way, '--json']);
    assert.match(String(ErrorAnswer.parse(json).error.next), /--keep, or --back-to RELEASE/);
    await changed(lab, [...way, '--back-to', 'testing=0.1.0']);
    const { trusted } = await hosts.poll(['stable', 'testing']);
    assert.equal(trusted.environments.get('testing')?.current?.custom.version, '0.1.0');
    if (index === 0) assert.equal((await lab.mm(['doctor'])).exitCode, 0);
    const ci = (await listKeys(lab)).keys.find(({ name }) => name === 'ci');
    assert.deepEqual(ci?.roles, []);
  });
}

test('nesting: what was renewed or published after it has nothing of it', async (t) => {
  for (const args of [
    ['renew', 'testing'],
    ['publish', 'testing', '--no-validate', '--force'],
    ['key', 'revoke', 'ci', '--replace-by', 'ci2', '--keep'],
  ]) {
    const lab = await scene(t);
    await lab.thief.signTesting(VERSION, { 'x-a': nested(2600) });
    await lab.thief.signOnline({ 'env-testing': VERSION });
    const { exitCode, stderr } = await lab.mm(args);
    assert.equal(exitCode, 0, `${args.join(' ')}: ${stderr}`);
    const { signed } = lab.metadata(`${VERSION + 1}.env-testing.json`);
    assert.equal(signed['x-a'], undefined);
    assert.deepEqual(Object.keys(signed.targets), ['testing/current']);
    await (await hostOf(t, lab, 'fresh')).poll(['testing']);
  }
});

test('nesting: a release with a field of 2,600 levels is not signed again', async (t) => {
  const lab = await scene(t);
  const { targets } = lab.thief.signedOf('env-testing');
  const { custom } = targets['testing/current'];
  const odd = { ...targets['testing/current'], custom: { ...custom, x: nested(2600) } };
  await lab.thief.signTesting(VERSION, { targets: { 'testing/current': odd } });
  await lab.thief.signOnline({ 'env-testing': VERSION });
  assert.equal((await lab.mm(['renew', 'testing'])).exitCode, 0);
  assert.deepEqual(lab.metadata(`${VERSION + 1}.env-testing.json`).signed.targets, {});
});

test('nesting: what the keys of the role have not signed is not read past', async (t) => {
  const lab = await scene(t);
  // By the key for testing.
  await lab.thief.signRole('env-stable', VERSION, { 'x-a': nested(2600) });
  await lab.thief.signOnline({ 'env-stable': VERSION });
  const { json } = await lab.mm(['renew', 'online', '--json']);
  const { code, next } = ErrorAnswer.parse(json).error;
  assert.equal(code, 'METADATA_INVALID');
  assert.match(String(next), /mm key rotate --role online --recover --add KEY$/);
  await changedWithout(lab, RECOVER, [`${VERSION}.env-stable.json`]);
  const { trusted } = await (await hostOf(t, lab, 'fresh')).poll(['stable']);
  assert.equal(trusted.environments.get('stable')?.current?.custom.version, '0.1.0');
});

test('nesting: a snapshot or a timestamp with 2,600 levels: new online keys are the way back', async (t) => {
  for (const role of ['snapshot', 'timestamp']) {
    const lab = await scene(t);
    await lab.thief.signOnline({}, {}, { [role]: { 'x-a': nested(2600) } });
    for (const args of [
      ['renew', 'online'],
      ['publish', 'stable', '--force', '--no-validate'],
    ]) {
      const { json } = await lab.mm([...args, '--json']);
      assert.match(
        String(ErrorAnswer.parse(json).error.next),
        /mm key rotate --role online --recover --add KEY$/,
      );
    }
    await listKeys(lab);
    await changedWithout(lab, RECOVER, ['timestamp.json']);
    await (await hostOf(t, lab, 'fresh')).poll(['stable', 'testing']);
  }
});

test('nesting: a file of another tree or role stops mm until there are new online keys, and then the key is revoked', async (t) => {
  for (const fields of [{ 'x-tree': 'acme/other' }, { 'x-role': 'env-stable' }, { 'x-tree': {} }]) {
    const lab = await scene(t);
    await lab.thief.signTesting(VERSION, fields);
    await lab.thief.signOnline({ 'env-testing': VERSION });
    const [way = []] = WAYS_BACK;
    for (const args of [
      ['renew', 'online'],
      [...way, '--keep'],
    ]) {
      const { next } = ErrorAnswer.parse((await lab.mm([...args, '--json'])).json).error;
      assert.match(
        String(next),
        /mm key rotate --role online --recover --add KEY$/,
        args.join(' '),
      );
    }
    await listKeys(lab);
    await changedWithout(lab, RECOVER, [`${VERSION}.env-testing.json`]);
    await changed(lab, [...way, '--keep']);
    const { trusted } = await (await hostOf(t, lab, 'fresh')).poll(['testing']);
    assert.equal(trusted.environments.get('testing')?.current?.custom.version, '0.1.0');
  }
});
