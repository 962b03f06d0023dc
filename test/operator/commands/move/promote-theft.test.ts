import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { blobKey } from '../../../../bucket/layout.ts';
import { select } from '../../../../trust/selection.ts';
import { hostOf } from '../../key-commands.ts';
import { BUCKET, TREE } from '../../operator-lab.ts';
import { ciLab, Thief } from '../key/theft.ts';

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
    // No agent is new enough, and no branch has that name.
    const own = { minAgent: '99.0.0', branch: 'gone', hold: true, stop: true };
    const custom = { ...target.custom, ...own };
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
    const { minAgent, branch } = offer.current?.custom ?? {};
    assert.deepEqual([minAgent, branch], [null, undefined]);
  });
}

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
  const evil = Buffer.from('what the thief wants hosts of stable to run');
  const sha256 = createHash('sha256').update(evil).digest('hex');
  lab.server.put(BUCKET, blobKey(TREE, sha256), evil);
  const other = { ...target, length: evil.length, hashes: { sha256 } };
  await thief.signTesting(VERSION, { targets: { 'testing/current': other } });
  await thief.signOnline({ 'env-testing': VERSION });
  await rm(lab.testing);
  const { error } = await run();
  assert.equal(error?.code, 'NOT_CONFIRMED');
  assert.equal(error.next, 'the same command with --no-rebuild');
  const agreed = await run('--noop', '--no-rebuild');
  assert.ok(agreed.changes?.some((line) => line.endsWith('this clone: --no-rebuild')));
  // The clone of a job may not have the commit.
  const commit = 'e'.repeat(40);
  await writeFile(lab.testing, key, { mode: 0o600 });
  const unknown = { ...other, custom: { ...target.custom, commit } };
  await thief.signTesting(VERSION + 1, { targets: { 'testing/current': unknown } });
  await thief.signOnline({ 'env-testing': VERSION + 1 });
  await rm(lab.testing);
  const { changes } = await run('--noop');
  assert.ok(
    changes?.some((line) => line.startsWith('not compared with a commit')),
    String(changes),
  );
});
