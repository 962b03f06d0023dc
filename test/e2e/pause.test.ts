import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentLab } from '../support/agent-lab.ts';

const MANIFEST = { 'manifests/site.pp': 'node default { }\n' };
const pause = { by: 'ann@laptop', at: '2026-11-27T16:00:00Z', reason: 'it is Friday' };

const states = {
  hold: { custom: { hold: true, pause }, state: 'held', code: 0, runs: 2 },
  stop: { custom: { stop: true, pause }, state: 'stopped', code: 10, runs: 1 },
} as const;

for (const [name, { custom, state, code, runs }] of Object.entries(states)) {
  test(`${name}: seen at the next poll; the status and mm-agent status have the reason`, async (t) => {
    const lab = await agentLab(t);
    const puppet = await lab.fakePuppet(`echo ran >> ${lab.root}/ran`);
    await lab.configure(`run: { puppet: ${puppet} }\n`);
    lab.publish('1.0.0', MANIFEST);
    assert.equal((await lab.once()).code, 0);
    assert.equal(lab.status().trust.why, undefined);
    lab.publish('1.0.0', MANIFEST, { custom });
    assert.equal((await lab.once()).code, code);
    const { trust, release } = lab.status();
    assert.deepEqual([trust.state, release?.version], [state, '1.0.0']);
    assert.match(trust.why ?? '', /it is Friday \(ann@laptop, 2026-11-27T16:00:00Z\)$/);
    const shown = await lab.run(['status']);
    assert.match(shown.stdout, new RegExp(`^trust +${state}: .*it is Friday`, 'm'));
    assert.equal((await readFile(join(lab.root, 'ran'), 'utf8')).trim().split('\n').length, runs);
    // A newer release does not end it.
    lab.publish('1.1.0', { 'manifests/site.pp': '# new\n' }, { custom });
    assert.equal((await lab.once()).code, code);
    assert.equal(lab.status().release?.version, '1.0.0');
    assert.equal(lab.status().offered?.version, '1.1.0');
    lab.publish('1.1.0', { 'manifests/site.pp': '# new\n' });
    assert.equal((await lab.once()).code, 0);
    assert.deepEqual(
      [lab.status().release?.version, lab.status().trust.state, lab.status().trust.why],
      ['1.1.0', 'ok', undefined],
    );
  });
}
