import assert from 'node:assert/strict';
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AgentLab, agentLab, manifestWriting } from '../support/agent-lab.ts';
import { IS_SOAK } from '../support/soak.ts';

const PRELOAD = join(import.meta.dirname, '../support/kill-at.mjs');

async function killedAt(lab: AgentLab, killAt: number): Promise<string | null> {
  const { signal } = await lab.run(['--once'], {
    NODE_OPTIONS: `--import=${PRELOAD}`,
    MM_KILL_AT: String(killAt),
  });
  if (signal === 'SIGKILL') await lab.letLockGoStale();
  return signal;
}

test('killed: right before any step that changes something, the next cycle completes it', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet();
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  await lab.once();

  let version = 0;
  let kills = 0;
  for (let killAt = 1; ; killAt += IS_SOAK ? 1 : 5) {
    version += 1;
    lab.publish(`2.0.${version}`, manifestWriting('/nowhere', `two ${version}`));
    const link = join(lab.paths.environments, 'stable');
    const before = await readlink(link);
    if ((await killedAt(lab, killAt)) !== 'SIGKILL') break;
    kills += 1;
    const tree = join(lab.paths.environments, await readlink(link));
    assert.ok(
      (await readFile(join(tree, 'manifests/site.pp'))).length > 0,
      'old or new, never half',
    );

    const next = await lab.once();
    assert.equal(next.code, 0, `killed at ${killAt}: ${next.stderr}`);
    assert.notEqual(await readlink(link), before);
    assert.equal(lab.status().release?.version, `2.0.${version}`, `killed at ${killAt}`);
    assert.equal(lab.status().trust.state, 'ok');
    assert.deepEqual(await odd(lab), [], `killed at ${killAt}`);
  }
  assert.ok(kills > (IS_SOAK ? 50 : 10), `only ${kills} steps were cut`);
  t.diagnostic(`${kills} kills`);
});

/** Names that exist only while a step runs. */
async function odd(lab: AgentLab): Promise<string[]> {
  const { state, releases, trust, environments, blobs } = lab.paths;
  const names = await Promise.all(
    [state, releases, trust, environments, blobs].map((path) => readdir(path).catch(() => [])),
  );
  return names.flat().filter((name) => /\.(partial|unverified|tmp|deleting|next)$/.test(name));
}

test('killed: the lock of a killed agent is freed, and its leftovers are removed', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet();
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  await rm(lab.paths.state, { recursive: true, force: true });
  assert.equal(await killedAt(lab, 12), 'SIGKILL');
  assert.equal((await lab.once()).code, 0);
});
