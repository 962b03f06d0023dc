import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentLab } from '../support/agent-lab.ts';

test('fights: what Puppet corrects in three real runs in a row is reported with both values', async (t) => {
  const lab = await agentLab(t);
  const file = join(lab.root, 'motd');
  const manifest = `file { '${file}': ensure => file, content => 'one', mode => '0644' }\n`;
  lab.publish('1.0.0', { 'manifests/site.pp': manifest });
  const first = await lab.once();
  assert.equal(first.code, 0, first.stderr);
  for (let run = 1; run <= 3; run += 1) {
    assert.equal(lab.status().fights, undefined, `before run ${run}`);
    await chmod(file, 0o600);
    assert.equal((await lab.once()).code, 0);
  }
  const [fight, ...others] = lab.status().fights ?? [];
  assert.deepEqual(others, []);
  const { since: _, ...found } = fight!;
  assert.deepEqual(found, {
    ...{ resource: `File[${file}]`, property: 'mode', previous: '0600', desired: '0644', runs: 3 },
  });
  assert.match((await lab.run(['status'])).stdout, /^fight +File\[.*\] mode: changed from 0600 /m);
});
