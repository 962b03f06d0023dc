import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { metadataKey } from '../../bucket/layout.ts';
import { type AgentLab, agentLab, BUCKET, manifestWriting, TREE } from '../support/agent-lab.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const MANIFEST = manifestWriting('/nowhere', 'one');

/** A host whose puppet records its arguments. */
async function notingLab(t: Parameters<typeof agentLab>[0], extra = ''): Promise<AgentLab> {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet(`echo "$@" >> ${lab.root}/calls`);
  await lab.configure(`run: { puppet: ${puppet} }\n${extra}`);
  lab.publish('1.0.0', MANIFEST);
  return lab;
}

async function calls(lab: AgentLab): Promise<string[]> {
  const text = await readFile(join(lab.root, 'calls'), 'utf8').catch(() => '');
  return text.split('\n').slice(0, -1);
}

/** Remembers the content of the bucket; the result restores it. */
function photograph(lab: AgentLab): () => void {
  const files = new Map(lab.simulator.files);
  return () => {
    for (const [file, bytes] of files) lab.server.put(BUCKET, metadataKey(TREE, file), bytes);
  };
}

async function installSeeds(
  { paths }: AgentLab,
  seeds: { readonly timestamp?: Buffer; readonly snapshot?: Buffer },
): Promise<void> {
  await mkdir(paths.configDirectory, { recursive: true });
  if (seeds.timestamp !== undefined) await writeFile(paths.timestampSeed, seeds.timestamp);
  if (seeds.snapshot !== undefined) await writeFile(paths.snapshotSeed, seeds.snapshot);
}

test('seeds: a fresh host refuses a bucket that is older than its package', async (t) => {
  const lab = await notingLab(t);
  const putBack = photograph(lab);
  lab.publish('1.1.0', MANIFEST);
  const honest = photograph(lab);
  await installSeeds(lab, lab.simulator.seeds());
  putBack();
  const ended = await lab.once();
  assert.equal(ended.code, 23, ended.stderr);
  assert.equal(lab.status().trust.error?.code, 'METADATA_ROLLBACK');
  assert.deepEqual(await readdir(lab.paths.releases).catch(() => []), []);
  assert.deepEqual(await calls(lab), []);
  honest();
  assert.equal((await lab.once()).code, 0);
  assert.equal(lab.status().release?.version, '1.1.0');
});

const brokenSeeds: Record<string, (lab: AgentLab) => Promise<void>> = {
  'is cut off': async (lab) => {
    const { timestamp, snapshot } = lab.simulator.seeds();
    await installSeeds(lab, { timestamp, snapshot: snapshot.subarray(0, 100) });
  },
  'is not there while the other one is': async (lab) => {
    await installSeeds(lab, { timestamp: lab.simulator.seeds().timestamp });
  },
  'cannot be read': async (lab) => {
    await installSeeds(lab, { snapshot: lab.simulator.seeds().snapshot });
    await mkdir(lab.paths.timestampSeed);
  },
};
for (const [name, install] of Object.entries(brokenSeeds)) {
  test(`seeds: one that ${name} keeps a fresh host from taking anything, and is reported`, async (t) => {
    const lab = await notingLab(t);
    await install(lab);
    const ended = await lab.once();
    assert.equal(ended.code, 23, ended.stderr);
    assert.equal(lab.status().trust.error?.code, 'ROOT_INVALID');
    assert.match(ended.stderr, /(timestamp|snapshot)\.json/);
    assert.deepEqual(await calls(lab), []);
  });
}

test('seeds: a broken seed does not stop a host that knows newer metadata', async (t) => {
  const lab = await notingLab(t);
  assert.equal((await lab.once()).code, 0);
  await installSeeds(lab, { timestamp: Buffer.from('<html>'), snapshot: Buffer.alloc(0) });
  lab.publish('1.1.0', MANIFEST);
  assert.equal((await lab.once()).code, 0);
  assert.equal(lab.status().trust.state, 'ok');
});

test('clock: a later time from S3 is kept', async (t) => {
  const lab = await notingLab(t);
  assert.equal((await lab.once()).code, 0);
  // The signature expires in five minutes by the host's clock, and S3's clock is ten minutes ahead.
  lab.simulator.now = Date.now() - 14 * DAY_MS + 5 * MINUTE_MS;
  lab.publish('1.1.0', MANIFEST);
  lab.server.dateOffsetMs = 10 * MINUTE_MS;
  await lab.once();
  assert.equal(lab.status().trust.state, 'metadata-expired:timestamp');
  assert.equal(lab.status().release?.version, '1.0.0');
  // A thief holds back newer answers or sets the host's clock: the time that S3 gave still counts.
  lab.server.dateOffsetMs = 0;
  await lab.once();
  assert.equal(lab.status().trust.state, 'metadata-expired:timestamp');
  lab.simulator.now = Date.now();
  lab.publish('1.2.0', MANIFEST);
  assert.equal((await lab.once()).code, 0);
  assert.equal(lab.status().release?.version, '1.2.0');
});

const onExpired = {
  apply: { code: 0, noop: false },
  noop: { code: 0, noop: true },
  stop: { code: 23, noop: undefined },
};
for (const [choice, { code, noop }] of Object.entries(onExpired)) {
  test(`on_expired: ${choice}`, async (t) => {
    const lab = await notingLab(t, `on_expired: ${choice}\n`);
    assert.equal((await lab.once()).code, 0);
    lab.simulator.now = Date.now() - 30 * DAY_MS;
    lab.simulator.commit();
    lab.sync();
    const ended = await lab.once();
    assert.equal(ended.code, code, ended.stderr);
    const [first, ...others] = await calls(lab);
    assert.doesNotMatch(first!, /--noop/);
    assert.deepEqual(
      others.map((call) => / --noop\b/.test(call)),
      noop === undefined ? [] : [noop],
    );
    const { run, trust, release } = lab.status();
    assert.equal(trust.state, 'metadata-expired:timestamp');
    assert.equal(release?.version, '1.0.0');
    if (noop === undefined) assert.equal(run?.status, 'skipped');

    lab.simulator.now = Date.now();
    lab.publish('1.1.0', MANIFEST);
    assert.equal((await lab.once()).code, 0);
    assert.equal(lab.status().release?.version, '1.1.0');
    assert.doesNotMatch((await calls(lab)).at(-1)!, /--noop/);
  });
}

test('truncated: each stored file of a host is repaired in the next cycle', async (t) => {
  const lab = await notingLab(t);
  assert.equal((await lab.once()).code, 0);
  const current = join(lab.paths.trust, 'current');
  const names = (await readdir(current)).sort();
  assert.deepEqual(names, [
    '1.root.json',
    'env-stable.json',
    'snapshot.json',
    'targets.json',
    'timestamp.json',
  ]);
  const files = [
    ...names.map((name) => join(current, name)),
    join(lab.paths.trust, 'record.json'),
    lab.paths.stateFile,
  ];
  for (const file of files) {
    const before = await readFile(file);
    await truncate(file, Math.floor((await stat(file)).size / 2));
    const ended = await lab.once();
    assert.equal(ended.code, 0, `${file}: ${ended.stderr}`);
    assert.equal(lab.status().trust.state, 'ok', file);
    assert.equal(lab.status().release?.version, '1.0.0', file);
    const after = await readFile(file);
    if (names.some((name) => file.endsWith(`/${name}`))) assert.deepEqual(after, before);
    else assert.ok(JSON.parse(after.toString()), file);
  }
});

test('an expiry in an odd form, by a thief of the online key, costs no host its state', async (t) => {
  const lab = await agentLab(t);
  await lab.configure(`run: { puppet: ${await lab.fakePuppet()} }\n`);
  lab.publish('1.0.0', { 'manifests/site.pp': '' });
  for (const expires of [' 2099-12-31', '+275760-09-13T00:00:00.000Z']) {
    const odd = { get: () => expires, set: () => undefined, enumerable: true, configurable: true };
    for (const name of ['targets', 'snapshot', 'timestamp'] as const) {
      Object.defineProperty(lab.simulator[name], 'expires', odd);
    }
    lab.simulator.commit(['targets']);
    lab.sync();
    await lab.once();
    const { requests, stderr } = await lab.once();
    assert.deepEqual(requests, ['GET timestamp.json 304'], expires);
    assert.doesNotMatch(stderr, /state\.unreadable/);
  }
});
