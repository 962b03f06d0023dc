import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AgentLab, agentLab } from '../support/agent-lab.ts';

const manifest = (version: string) => ({ 'manifests/site.pp': `# ${version}\n` });

/** A Puppet that does not compile releases with this word, while the condition is true. */
async function configureRollback(lab: AgentLab, condition = 'true'): Promise<void> {
  const puppet = await lab.fakePuppet(
    `for word; do case $word in */environments) ! grep -q BROKEN "$word/stable/manifests/site.pp" || ! ${condition} || { echo 'Error: no class x'; exit 1; };; esac; done`,
  );
  await lab.configure(`run: { puppet: ${puppet} }\non_failure: rollback\n`);
}

test('health: back to the last good release in the same cycle, until a newer one is offered', async (t) => {
  const lab = await agentLab(t);
  await configureRollback(lab);
  lab.publish('1.0.0', manifest('1.0.0'));
  assert.equal((await lab.once()).code, 0);

  lab.publish('1.1.0', manifest('BROKEN'));
  const bad = await lab.once('--trigger', 'poll');
  assert.equal(bad.code, 1, 'the outcome is that of the bad release');
  const after = lab.status();
  assert.deepEqual([after.release?.version, after.run?.status], ['1.0.0', 'unchanged']);
  assert.deepEqual(
    after.bad?.map(({ version, outcome, exitCode, errors }) => [
      version,
      outcome,
      exitCode,
      errors,
    ]),
    [['1.1.0', 'not-compiled', 1, ['Error: no class x']]],
  );
  assert.match(after.offered?.why ?? '', /bad on this host/);
  const shown = (await lab.run(['status'])).stdout;
  assert.match(shown, /^bad +1\.1\.0: not-compiled with exit code 1 .*\n +Error: no class x$/m);

  // By hand as well: neither fetched nor applied again, and the old one is not the end.
  await rm(join(lab.paths.releases, after.offered?.sha256 ?? ''), { recursive: true });
  const asked = await lab.once();
  assert.equal(asked.code, 0, asked.stderr);
  assert.deepEqual(
    asked.requests.filter((line) => line.includes('.tar.gz')),
    [],
  );
  assert.equal(lab.status().release?.version, '1.0.0');
  assert.equal((await lab.once('--until-converged', '--tries', '1')).code, 25);

  // A key may have been revoked: its holder may have chosen the earlier release.
  lab.publish('1.2.0', manifest('BROKEN again'));
  lab.simulator.commit(['targets']);
  lab.sync();
  await lab.once('--trigger', 'poll');
  const kept = lab.status();
  assert.equal(kept.release?.version, '1.2.0');
  assert.deepEqual(
    kept.bad?.map(({ version }) => version),
    ['1.2.0', '1.1.0'],
  );

  lab.publish('1.3.0', manifest('1.3.0'));
  assert.equal((await lab.once('--trigger', 'poll')).code, 0);
  assert.equal(lab.status().release?.version, '1.3.0');
});

test('health: who hides what a run needs has the release marked until the next version of the role', async (t) => {
  const lab = await agentLab(t);
  const hidden = join(lab.root, 'hidden');
  await configureRollback(lab, `[ -e '${hidden}' ]`);
  lab.publish('1.0.0', manifest('1.0.0'));
  await lab.once();
  await writeFile(hidden, '');
  lab.publish('1.1.0', manifest('BROKEN'));
  const poll = async () => {
    await lab.once('--trigger', 'poll');
    return [lab.status().release?.version, lab.status().bad?.[0]?.offeredBy];
  };
  const [version, first] = await poll();
  assert.equal(version, '1.0.0');
  const renew = () => {
    lab.simulator.commit(['env-stable']);
    lab.sync();
  };
  renew();
  const [still, second] = await poll();
  assert.equal(still, '1.0.0', 'it is tried again, and is bad again');
  assert.notEqual(second, first);
  await rm(hidden);
  assert.deepEqual(await poll(), ['1.0.0', second]);
  renew();
  assert.deepEqual(await poll(), ['1.1.0', undefined]);
});

test('health: a release that ran under the new keys without being offered is not gone back to', async (t) => {
  const lab = await agentLab(t);
  await configureRollback(lab);
  lab.publish('1.0.0', manifest('of a thief'));
  await lab.once();
  // A hold keeps the host on it while its key is revoked, which is a new targets.
  lab.publish('1.1.0', manifest('BROKEN'), { custom: { hold: true } });
  lab.simulator.commit(['targets']);
  lab.sync();
  assert.equal((await lab.once()).code, 0);
  lab.publish('1.1.0', manifest('BROKEN'));
  await lab.once('--trigger', 'poll');
  assert.equal(lab.status().release?.version, '1.1.0');
});
