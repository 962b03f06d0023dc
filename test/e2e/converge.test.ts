import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentLab, manifestWriting } from '../support/agent-lab.ts';
import { waitUntil } from '../support/wait-until.ts';

test('--until-converged: again after a change, then the sentinel; nothing else is called converged', async (t) => {
  const lab = await agentLab(t);
  const motd = join(lab.root, 'motd');
  lab.publish('1.0.0', manifestWriting(motd, 'one'));
  const { code, stderr } = await lab.once('--until-converged');
  assert.equal(code, 0, stderr);
  assert.equal(await readFile(motd, 'utf8'), 'one');
  const { status, id } = lab.status().run ?? {};
  assert.equal(status, 'unchanged');
  const sentinel = JSON.parse(await readFile(lab.paths.converged, 'utf8'));
  assert.deepEqual([sentinel.version, sentinel.tries], ['1.0.0', 2]);
  assert.match(stderr, /converge\.continues .*File\[.*motd\]/);

  const puppet = await lab.fakePuppet('exit 1');
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  const failed = await lab.once('--until-converged', '--tries', '1');
  assert.equal(failed.code, 25, failed.stderr);
  assert.notEqual(lab.status().run?.id, id);
  assert.ok(!existsSync(lab.paths.converged), 'the sentinel of an earlier time is gone');
  const late = await lab.once('--until-converged', '--deadline', '1s');
  assert.equal(late.code, 25, late.stderr);

  const good = await lab.fakePuppet();
  await lab.configure(`run: { puppet: ${good} }\n`);
  const own = join(lab.root, 'own');
  assert.equal((await lab.once('--until-converged', '--sentinel', own)).code, 0);
  assert.deepEqual([existsSync(own), existsSync(lab.paths.converged)], [true, false]);

  for (const path of [join(lab.root, 'not/there'), lab.root]) {
    const refused = await lab.once('--until-converged', '--sentinel', path);
    assert.equal(refused.code, 20, refused.stderr);
    assert.match(refused.stderr, /cannot write the sentinel: .*\nnext: ls/);
    assert.deepEqual(refused.requests, [], 'before the first run');
  }

  await lab.run(['disable', 'maintenance']);
  assert.equal((await lab.once('--until-converged')).code, 10);
});

test('--until-converged: SIGTERM ends the cycle that is under way, with a report', async (t) => {
  const lab = await agentLab(t);
  const started = join(lab.root, 'started');
  const puppet = await lab.fakePuppet(`touch ${started}\nsleep 600`);
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  await mkdir(lab.paths.runtime, { recursive: true });
  await writeFile(lab.paths.converged, '');
  lab.publish('1.0.0', { 'manifests/site.pp': '' });
  const agent = lab.start(['--once', '--until-converged']);
  const ended = lab.end(agent);
  await waitUntil(() => existsSync(started));
  agent.kill('SIGTERM');
  const { code, stderr } = await ended;
  assert.equal(code, 1, stderr);
  assert.equal(lab.status().run?.status, 'killed');
  assert.ok(!existsSync(lab.paths.converged));
});
