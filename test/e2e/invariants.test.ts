import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { releasePaths } from '../../agent/paths.ts';
import { blobKey, metadataKey } from '../../bucket/layout.ts';
import { type AgentLab, agentLab, BUCKET, TREE } from '../support/agent-lab.ts';
import { tarArchive } from '../support/tar-writer.ts';
import { TufSimulator } from '../support/tuf/simulator.ts';
import { sha256 } from '../support/tuf/simulator-keys.ts';

const PRELOAD = join(import.meta.dirname, '../support/kill-at.mjs');

/**
 * A valid tarball. It is not compressed, so that content of the same length gives a tarball of the
 * same length.
 */
function tarball(content: string): Buffer {
  return gzipSync(tarArchive([{ path: 'manifests/site.pp', content }]), { level: 0 });
}

const HONEST = tarball("notify { 'good': }\n");
const EVIL = {
  'the same length': tarball("notify { 'evil': }\n"),
  'a greater length': tarball(`notify { 'evil': }\n${'# \n'.repeat(1000)}`),
};

/** What Puppet applied in each run. */
async function applied(lab: AgentLab): Promise<string> {
  return await readFile(join(lab.root, 'applied'), 'utf8').catch(() => '');
}

async function labWithWitness(t: Parameters<typeof agentLab>[0]): Promise<AgentLab> {
  const lab = await agentLab(t);
  const script = `cat "$(find ${lab.paths.releases} -name site.pp | head -1)" >> ${lab.root}/applied`;
  const puppet = await lab.fakePuppet(script);
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  lab.publish('1.0.0', {}, { bytes: HONEST });
  return lab;
}

for (const [name, evil] of Object.entries(EVIL)) {
  test(`I1 a sound tarball of ${name} in place of the signed one never reaches Puppet`, async (t) => {
    const lab = await labWithWitness(t);
    lab.server.put(BUCKET, blobKey(TREE, sha256(HONEST)), evil);
    const ended = await lab.once();
    assert.equal(ended.code, 23, ended.stderr);
    assert.equal(lab.status().trust.error?.code, 'BLOB_MISMATCH');
    assert.equal(await applied(lab), '');
    lab.sync();
    assert.equal((await lab.once()).code, 0);
    assert.equal(await applied(lab), "notify { 'good': }\n");
  });

  test(`I1 a tarball of ${name} that is among the downloads is verified again`, async (t) => {
    const lab = await labWithWitness(t);
    await mkdir(lab.paths.blobs, { recursive: true });
    await writeFile(join(lab.paths.blobs, `${sha256(HONEST)}.tar.gz`), evil);
    assert.equal((await lab.once()).code, 0);
    assert.equal(await applied(lab), "notify { 'good': }\n");
  });
}

test('I1 a release under a foreign root never reaches Puppet', async (t) => {
  const lab = await labWithWitness(t);
  const thief = new TufSimulator({ treeId: lab.simulator.treeId });
  const evil = EVIL['the same length'];
  thief.publish('stable', '1.0.0', { bytes: evil });
  lab.server.put(BUCKET, blobKey(TREE, sha256(evil)), evil);
  for (const [file, bytes] of thief.files) lab.server.put(BUCKET, metadataKey(TREE, file), bytes);
  const ended = await lab.once();
  assert.equal(ended.code, 23, ended.stderr);
  assert.equal(lab.status().trust.error?.code, 'METADATA_UNSIGNED');
  assert.equal(await applied(lab), '');
});

/** The ETag that the host would send. */
async function rememberedEtag(lab: AgentLab): Promise<string | undefined> {
  const state = JSON.parse(await readFile(lab.paths.stateFile, 'utf8')) as {
    etag: { value: string } | null;
  };
  return state.etag?.value;
}

const DECISIVE = {
  'the download is verified': (lab: AgentLab, digest: string) =>
    `rename ${join(lab.paths.blobs, digest)}`,
  'the release is whole': (lab: AgentLab, digest: string) =>
    `rename .*${releasePaths(lab.paths, digest).directory}$`,
  'the release is active': (lab: AgentLab) => `rename .*${join(lab.paths.environments, 'stable')}$`,
};

for (const [name, stepBefore] of Object.entries(DECISIVE)) {
  test(`I3 killed right before ${name}: the host still asks with the old ETag`, async (t) => {
    const lab = await labWithWitness(t);
    assert.equal((await lab.once()).code, 0);
    const before = await rememberedEtag(lab);
    const newer = tarball("notify { 'newer': }\n");
    lab.publish('1.1.0', {}, { bytes: newer });
    const { signal, stderr } = await lab.run(['--once'], {
      NODE_OPTIONS: `--import=${PRELOAD}`,
      MM_KILL_BEFORE: stepBefore(lab, sha256(newer)),
    });
    assert.equal(signal, 'SIGKILL', stderr);
    assert.equal(await rememberedEtag(lab), before);
    await lab.letLockGoStale();
    const next = await lab.once('--trigger', 'poll');
    assert.equal(next.code, 0, next.stderr);
    assert.equal(lab.status().release?.version, '1.1.0');
    assert.notEqual(await rememberedEtag(lab), before);
  });
}

test('I3 a release that cannot be taken keeps the old ETag', async (t) => {
  const lab = await labWithWitness(t);
  assert.equal((await lab.once()).code, 0);
  const before = await rememberedEtag(lab);
  const newer = tarball("notify { 'newer': }\n");
  lab.publish('1.1.0', {}, { bytes: newer });
  lab.server.delete(BUCKET, blobKey(TREE, sha256(newer)));
  await lab.once();
  assert.equal(await rememberedEtag(lab), before);
  lab.sync();
  assert.equal((await lab.once('--trigger', 'poll')).code, 0);
  assert.notEqual(await rememberedEtag(lab), before);
});
