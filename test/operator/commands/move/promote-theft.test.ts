import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { select } from '../../../../trust/selection.ts';
import { changed, codeOf, hostOf, newKey } from '../../key-commands.ts';
import { ciLab, ciLabs, evilRelease, Thief } from '../key/theft.ts';

const VERSION = 20;
const HOST = { certname: 'web1.example.com', groups: [], agentVersion: '1.0.0' };

for (const [name, args] of Object.entries({
  promote: ['promote', 'testing', 'stable', '--yes', '--older'],
  'rollout --from': ['rollout', 'stable', '--from', 'testing', '--percent', '100', '--yes'],
})) {
  test(`${name}: the key of one environment holds no host of another one`, async (t) => {
    const lab = await ciLab(t);
    const { signed } = lab.metadata('3.env-testing.json');
    const target = signed.targets['testing/current'];
    const stable = lab.metadata('2.env-stable.json').signed.targets['stable/current'];
    // No agent is new enough, no branch has that name, and no release is older.
    const own = { minAgent: '99.0.0', branch: 'gone', hold: true, stop: true };
    const more = { created: '1970-01-01T00:00:00Z', release: 'salt', unknown: 'x' };
    const custom = { ...target.custom, ...own, ...more };
    const thief = new Thief(lab);
    await thief.signTesting(VERSION, { targets: { 'testing/current': { ...target, custom } } });
    await thief.signOnline({ 'env-testing': VERSION });
    const { exitCode, stderr } = await lab.mm(args);
    assert.equal(exitCode, 0, stderr);
    const { trusted } = await (await hostOf(t, lab, 'web1')).poll(['stable']);
    const offer = trusted.environments.get('stable');
    assert.ok(offer !== undefined);
    assert.equal(select(offer, HOST).kind, 'run');
    assert.equal(offer.current?.sha256, target.hashes.sha256);
    const { minAgent, release = '', ...rest } = offer.current?.custom ?? {};
    assert.equal(minAgent, null);
    assert.match(release, new RegExp(`^\\d{8}T\\d{6}Z-${target.hashes.sha256.slice(0, 12)}$`));
    assert.deepEqual(Object.keys(rest).sort(), SIGNED);
    const back = await lab.mm(['rollback', 'stable', '--yes', '--json']);
    assert.equal(back.exitCode, 0, back.stderr);
    assert.equal(back.json.current.sha256, stable.hashes.sha256);
  });
}

/** What is signed of a release that comes from another environment, besides its bytes. */
const SIGNED = [
  ...['by', 'change', 'commit', 'created', 'hold', 'packedFor', 'reason', 'ref', 'schema'],
  ...['stop', 'version'],
];

test('promote: a release that no key of this machine signed is packed again from its commit', async (t) => {
  const lab = await ciLab(t);
  const thief = new Thief(lab);
  const { signed } = lab.metadata('3.env-testing.json');
  const target = signed.targets['testing/current'];
  const promote = ['promote', 'testing', 'stable', '--older', '--yes', '--json'];
  const run = async (...more: string[]) => {
    const { json, stderr } = await lab.mm([...promote, ...more]);
    return { ...json, stderr } as { changes?: string[]; error?: { code: string; next: string } };
  };
  const key = await readFile(lab.testing);
  await rm(lab.testing);
  const honest = await run('--noop');
  assert.ok(honest.changes?.includes(`sha256 ${target.hashes.sha256}`));
  assert.ok(honest.changes?.some((line) => /^signed by ci /.test(line)));
  assert.ok(honest.changes?.some((line) => /^rebuilt from commit .* the same sha256$/.test(line)));

  await writeFile(lab.testing, key, { mode: 0o600 });
  const other = evilRelease(lab, target);
  await thief.signTesting(VERSION, { targets: { 'testing/current': other } });
  await thief.signOnline({ 'env-testing': VERSION });
  await rm(lab.testing);
  const { error } = await run();
  assert.equal(error?.code, 'NOT_CONFIRMED');
  assert.equal(error.next, 'the same command with --no-rebuild');
  const agreed = await run('--noop', '--no-rebuild');
  assert.ok(agreed.changes?.some((line) => line.endsWith('this clone: --no-rebuild')));
});

/** What a promotion asks about, and what the thief of testing signs for it. */
const DOUBTS: Readonly<Record<string, (target: Target) => object>> = {
  'a commit that this clone does not have': (target) => with_(target, { commit: 'e'.repeat(40) }),
  'no commit': (target) => with_(target, { commit: null, ref: null }),
  'links that the commit does not have': (target) => with_(target, { links: 'keep' }),
};

type Target = { readonly custom: object };
const with_ = (target: Target, custom: object) => ({
  ...target,
  custom: { ...target.custom, ...custom },
});

test('promote: what was not compared with a commit asks', async (t) => {
  const lab = await ciLab(t);
  const thief = new Thief(lab);
  const target = lab.metadata('3.env-testing.json').signed.targets['testing/current'];
  const key = await readFile(lab.testing);
  for (const [at, [name, spoil]] of Object.entries(DOUBTS).entries()) {
    await writeFile(lab.testing, key, { mode: 0o600 });
    await thief.signTesting(VERSION + at, { targets: { 'testing/current': spoil(target) } });
    await thief.signOnline({ 'env-testing': VERSION + at });
    await rm(lab.testing);
    assert.equal(await codeOf(lab, PROMOTE), 'NOT_CONFIRMED', name);
    assert.equal((await lab.mm([...PROMOTE, '--no-rebuild', '--noop'])).exitCode, 0, name);
  }
});

const PROMOTE = ['promote', 'testing', 'stable', '--older', '--yes'];

test('promote: a commit that is not on the branch of the other environment asks', async (t) => {
  const lab = await ciLab(t);
  await lab.git('checkout', '--quiet', '-b', 'side');
  await lab.commit('manifests/site.pp', '# of a branch that nobody reviews\n');
  const publish = ['publish', 'testing', '--ref', 'side', '--no-validate', '--older'];
  const { exitCode, stderr } = await lab.mm(publish);
  assert.equal(exitCode, 0, stderr);
  await rm(lab.testing);
  const { json } = await lab.mm([...PROMOTE, '--json']);
  assert.equal(json.error.code, 'NOT_CONFIRMED');
  assert.match(json.error.message, /is not on testing in this clone/);
  await lab.git('branch', '--force', 'testing', 'side');
  assert.equal((await lab.mm(PROMOTE)).exitCode, 0);
});

const twoKeys = ciLabs((lab) =>
  changed(lab, ['key', 'rotate', '--role', 'testing', '--add', 'operator']),
);

/** Commands that sign again, with a key of this machine, what the key of testing published. */
const SIGNED_AGAIN: Readonly<Record<string, readonly (readonly string[])[]>> = {
  hold: [['hold', 'testing', '--reason', 'strange']],
  renew: [['renew', 'testing']],
  rollback: [
    ['publish', 'testing', '--no-validate', '--force', '--version', '0.2.0'],
    ['rollback', 'testing', '--yes'],
  ],
};

for (const [name, commands] of Object.entries(SIGNED_AGAIN)) {
  test(`promote: ${name} by a key of this machine does not vouch for the bytes of others`, async (t) => {
    const lab = await twoKeys(t);
    const { signed } = lab.metadata('3.env-testing.json');
    const target = signed.targets['testing/current'];
    const change = { ...target.custom.change, after: VERSION - 1 };
    const other = evilRelease(lab, with_(target, { change }));
    const thief = new Thief(lab);
    await thief.signTesting(VERSION, { targets: { 'testing/current': other } });
    await thief.signOnline({ 'env-testing': VERSION });
    await rm(lab.testing);
    for (const args of commands) {
      const done = await lab.mm(args);
      assert.equal(done.exitCode, 0, done.stderr);
    }
    const { json } = await lab.mm([...PROMOTE, '--despite-hold', '--json']);
    assert.equal(json.error?.code, 'NOT_CONFIRMED', JSON.stringify(json));
    assert.equal(json.error.next, 'the same command with --no-rebuild');
  });
}

test('promote: a release that a key of this machine published is not compared again', async (t) => {
  const lab = await twoKeys(t);
  await lab.write('manifests/site.pp', '# no commit\n');
  await rm(lab.testing);
  for (const args of [
    ['publish', 'testing', '--working-tree', '--no-validate'],
    ['hold', 'testing', '--reason', 'weekend'],
    ['renew', 'testing'],
  ]) {
    const done = await lab.mm(args);
    assert.equal(done.exitCode, 0, done.stderr);
  }
  const { json } = await lab.mm([...PROMOTE, '--json']);
  assert.equal(json.outcome, 'committed', JSON.stringify(json));
});

test('promote: a forged statement does not come true when its role begins again', async (t) => {
  const lab = await ciLab(t);
  const target = lab.metadata('3.env-testing.json').signed.targets['testing/current'];
  const change = { ...target.custom.change, after: 0 };
  const evil = evilRelease(lab, { ...target, custom: { ...target.custom, change } });
  const thief = new Thief(lab);
  await thief.signTesting(VERSION, { targets: { 'testing/current': evil } });
  await thief.signOnline({ 'env-testing': VERSION });
  await rm(lab.testing);
  await newKey(lab, 'ci2');
  await changed(lab, ['key', 'rotate', '--role', 'testing', '--recover', '--add', 'ci2', '--keep']);
  const { signed } = lab.metadata('1.env-testing-2.json');
  assert.equal(signed.targets['testing/current'].custom.change, undefined);
  const promote = ['promote', 'testing', 'stable', '--older', '--yes'];
  assert.equal(await codeOf(lab, promote), 'NOT_CONFIRMED');
});
