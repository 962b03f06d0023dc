import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AgentLab, agentLab, BUCKET, manifestWriting, TREE } from '../support/agent-lab.ts';
import { machinePolicy, objectArn } from '../support/s3/policy.ts';

const MANIFEST = manifestWriting('/nowhere', 'one');

/** A host that detects its name: its puppet answers with the content of the file `name`. */
async function namelessLab(t: Parameters<typeof agentLab>[0], name: string): Promise<AgentLab> {
  const lab = await agentLab(t);
  const answer = `[ "$1" = config ] && { cat ${lab.root}/name; exit; }`;
  const puppet = await lab.fakePuppet(answer);
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  const config = await readFile(lab.paths.configFile, 'utf8');
  await writeFile(lab.paths.configFile, config.replace(/^certname: .*\n/m, ''));
  await call(lab, name);
  await machine(lab, 'machine-1');
  lab.publish('1.0.0', MANIFEST);
  return lab;
}

const call = (lab: AgentLab, name: string) => writeFile(join(lab.root, 'name'), `${name}\n`);
const machine = (lab: AgentLab, id: string) =>
  writeFile(join(lab.root, 'etc/machine-id'), `${id}\n`);

function hosts(lab: AgentLab): string[] {
  return lab.server.requests.flatMap(({ method, key, status }) => {
    const name = /^\w+\/status\/hosts\/(.*)\.json$/.exec(key)?.[1];
    return method === 'PUT' && status === 200 && name !== undefined ? [name] : [];
  });
}

test('identity: the detected name stays when a later look-up returns another one', async (t) => {
  const lab = await namelessLab(t, 'web9.example.com');
  const first = await lab.once();
  assert.equal((await lab.localStatus()).certname, 'web9.example.com', first.stderr);
  await call(lab, 'web9');
  assert.equal((await lab.once()).code, 0);
  assert.equal((await lab.localStatus()).certname, 'web9.example.com');
});

test('identity: localhost is refused with the setting to change, before any request', async (t) => {
  const lab = await namelessLab(t, 'localhost.localdomain');
  const ended = await lab.once();
  assert.equal(ended.code, 20, ended.stderr);
  assert.match(ended.stderr, /localhost\.localdomain.*every host has that name/);
  assert.match(ended.stderr, /next: set certname in agent\.yaml/);
  assert.deepEqual(ended.requests, []);
});

test('identity: a machine that was cloned from an image starts as a new host and reports it', async (t) => {
  const lab = await namelessLab(t, 'image.example.com');
  await lab.once();
  const release = (await lab.localStatus()).release;
  await machine(lab, 'machine-2');
  await call(lab, 'web9.example.com');
  const ended = await lab.once();
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stderr, /identity\.cloned .*former=image\.example\.com {2}certname=web9/);
  assert.deepEqual(hosts(lab), ['web9.example.com'], `${TREE}: only its own status`);
  const status = await lab.localStatus();
  assert.equal(status.certname, 'web9.example.com');
  assert.equal(status.offline.runs, 0);
  assert.equal(status.release?.sha256, release?.sha256, 'the release of the image is not lost');
  assert.doesNotMatch((await lab.once()).stderr, /identity\.cloned/);
});

test('identity: two machines that write one certname are seen by both, and each status arrives', async (t) => {
  // AWS wants the right to read for a write on condition, and `mm policy` denies it.
  const printed = machinePolicy({ bucket: BUCKET, tree: TREE });
  const lab = await agentLab(t, [
    ...printed.filter(({ Effect }) => Effect === 'Allow'),
    {
      Effect: 'Allow',
      Action: ['s3:GetObject'],
      Resource: [objectArn(BUCKET, `${TREE}/status/hosts/*`)],
    },
  ]);
  await lab.configure(`run: { puppet: ${await lab.fakePuppet()} }\n`);
  lab.publish('1.0.0', MANIFEST);
  const state = (id: string) => `${lab.paths.state}.${id}`;
  /** The cycle of one of the machines: its own state and ids, the same name and bucket. */
  const cycleOf = async (id: string, version: string) => {
    await rename(state(id), lab.paths.state).catch(() => undefined);
    await machine(lab, id);
    lab.publish(version, MANIFEST);
    const ended = await lab.once();
    const { hostId = null, otherWriter } = await lab.status();
    await rename(lab.paths.state, state(id));
    return { ...ended, hostId, times: otherWriter?.times };
  };
  const a1 = await cycleOf('machine-a', '1.0.1');
  const b1 = await cycleOf('machine-b', '1.0.2');
  const a2 = await cycleOf('machine-a', '1.0.3');
  const b2 = await cycleOf('machine-b', '1.0.4');
  for (const [first, second] of [
    [a1, a2],
    [b1, b2],
  ] as const) {
    assert.equal(first.times, undefined, first.stderr);
    assert.equal(second.times, 1, second.stderr);
    assert.match(second.stderr, /warn: status\.other-writer .*certname=web1\.example\.com/);
    assert.match(second.hostId ?? '', /^[0-9a-f]{16}$/);
    assert.equal(second.hostId, first.hostId);
  }
  assert.notEqual(a1.hostId, b1.hostId);
});
