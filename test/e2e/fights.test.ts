import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentLab } from '../support/agent-lab.ts';

test('fights: what Puppet corrects in three real runs in a row is reported, and no Sensitive value', async (t) => {
  const lab = await agentLab(t);
  const file = join(lab.root, 'motd');
  const manifest = `file { '${file}': ensure => file, content => 'one', mode => '0644' }\n`;
  const [vault, secret] = [join(lab.root, 'vault'), 'of-the-vault'];
  const sensitive = `file { '${vault}': content => Sensitive('${secret}'), show_diff => true }\n`;
  lab.publish('1.0.0', { 'manifests/site.pp': `${manifest}${sensitive}` });
  const first = await lab.once('--debug');
  assert.equal(first.code, 0, first.stderr);
  assert.equal(await readFile(vault, 'utf8'), secret);
  for (let run = 1; run <= 3; run += 1) {
    assert.equal(lab.status().fights, undefined, `before run ${run}`);
    await chmod(file, 0o600);
    await writeFile(vault, 'changed by hand');
    const ended = await lab.once('--test');
    assert.equal(ended.code, 2, ended.stderr);
    assert.ok(!ended.stderr.includes(secret), ended.stderr);
  }
  const [fight, ofVault, ...others] = lab.status().fights ?? [];
  assert.deepEqual(others, []);
  assert.equal(ofVault?.resource, `File[${vault}]`);
  const { since: _, ...found } = fight!;
  assert.deepEqual(found, {
    ...{ resource: `File[${file}]`, property: 'mode', previous: '0600', desired: '0644', runs: 3 },
  });
  for (const path of [lab.paths.stateFile, lab.paths.history, lab.paths.runs])
    assert.equal(spawnSync('grep', ['--recursive', secret, path]).status, 1, path);
  for (const text of [first.stderr, JSON.stringify(lab.status())])
    assert.ok(!text.includes(secret), text);
  assert.match((await lab.run(['status'])).stdout, /^fight +File\[.*\] mode: changed from 0600 /m);
});
