import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { blobKey } from '../../bucket/layout.ts';
import { type AgentLab, agentLab, BUCKET, manifestWriting, TREE } from '../support/agent-lab.ts';

const MANIFEST = manifestWriting('/nowhere', 'one');

async function lastRunRelease(lab: AgentLab): Promise<string | null> {
  const state = JSON.parse(await readFile(lab.paths.stateFile, 'utf8')) as Record<string, unknown>;
  return state['lastRunRelease'] as string | null;
}

test('never worse: a stop survives the loss of the state file', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet(`echo ran >> ${lab.root}/ran`);
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', MANIFEST);
  await lab.once();
  lab.publish('1.0.0', MANIFEST, { custom: { stop: true } });
  assert.equal((await lab.once()).code, 10);
  await writeFile(lab.paths.stateFile, '{');
  await lab.server.close();
  assert.equal((await lab.once()).code, 10);
  assert.equal((await readFile(join(lab.root, 'ran'), 'utf8')).trim(), 'ran');
});

test('never worse: a run by hand with --noop or --tags does not count as the run of a new release', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet();
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', MANIFEST);
  assert.equal((await lab.once('--noop')).code, 0);
  assert.equal(await lastRunRelease(lab), null);
  assert.equal((await lab.once('--tags', 'ntp')).code, 0);
  assert.equal(await lastRunRelease(lab), null);
  const poll = await lab.once('--trigger', 'poll');
  assert.equal(poll.code, 0, poll.stderr);
  assert.match((await lab.localStatus()).run?.reason ?? '', /has not completed a run/);
  assert.equal(await lastRunRelease(lab), lab.status().release?.sha256);
});

test('never worse: a tarball that is not the signed one is fetched once, not at every poll', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet();
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', MANIFEST);
  const digest = [...lab.simulator.blobs.keys()].at(-1)!;
  lab.server.put(BUCKET, blobKey(TREE, digest), 'something else');
  const polls = [await lab.once('--trigger', 'poll'), await lab.once('--trigger', 'poll')];
  const fetches = polls.map(({ requests }) => requests.filter((line) => line.includes('.tar.gz')));
  assert.deepEqual(
    fetches.map((lines) => lines.length),
    [1, 0],
  );
  assert.equal(lab.status().trust.error?.code, 'BLOB_MISMATCH');
  lab.sync();
  assert.equal((await lab.once()).code, 0, 'on request, it tries again');
  assert.equal(lab.status().release?.version, '1.0.0');
});

test('never worse: a directory in the place of the state is moved aside', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet();
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', MANIFEST);
  await lab.once();
  await rm(lab.paths.stateFile);
  await mkdir(lab.paths.stateFile);
  lab.publish('1.1.0', MANIFEST);
  const ended = await lab.once();
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stderr, /state\.moved-aside/);
  assert.equal((await lab.localStatus()).release?.version, '1.1.0');
  assert.equal(lab.status().release?.version, '1.1.0');
});

test('never worse: an invalid environment or certname is refused before anything is written', async (t) => {
  const lab = await agentLab(t);
  lab.publish('1.0.0', MANIFEST);
  const ended = await lab.once('--environment', '../../etc');
  assert.equal(ended.code, 20);
  assert.match(ended.stderr, /--environment: wanted/);
  assert.deepEqual(ended.requests, []);
  assert.deepEqual(await readdir(lab.paths.environments).catch(() => []), []);
});
