import assert from 'node:assert/strict';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type AgentLab, agentLab, type Ended, manifestWriting } from '../support/agent-lab.ts';
import { canMount, disks, fillInodes, fillSpace } from '../support/disk.ts';
import { waitUntil } from '../support/wait-until.ts';

const MANIFEST = manifestWriting('/nowhere', 'one');
const OTHER = manifestWriting('/nowhere', 'two');

async function diskLab(t: TestContext, extra = '') {
  const disk = disks(t);
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet(`echo ran >> ${lab.root}/ran`);
  await lab.configure(`run: { puppet: ${puppet} }\n${extra}`);
  lab.publish('1.0.0', MANIFEST);
  return { lab, disk };
}

async function runs(lab: AgentLab): Promise<number> {
  const text = await readFile(join(lab.root, 'ran'), 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

/** The warnings and errors in the log of an agent. */
function complaints({ stderr }: Ended): string[] {
  return stderr.split('\n').filter((line) => / (warn|error): /.test(line));
}

const readOnly: Record<string, (lab: AgentLab) => readonly string[]> = {
  'the state': ({ paths }) => [paths.state],
  '/run': ({ paths }) => [paths.runtime],
  'the state and /run': ({ paths }) => [paths.state, paths.runtime],
  'the whole root, before the first cycle': ({ root }) => [join(root, 'var'), join(root, 'run')],
};
for (const [name, directoriesOf] of Object.entries(canMount ? readOnly : {})) {
  test(`disk: read-only, ${name}: one line with a code, no run, and the status is sent`, async (t) => {
    const { lab, disk } = await diskLab(t);
    const isFirst = name.includes('first');
    if (!isFirst) assert.equal((await lab.once()).code, 0);
    const before = await runs(lab);
    const directories = directoriesOf(lab);
    const undo = directories.map((directory) => disk.makeReadOnly(directory));
    lab.publish('1.1.0', MANIFEST);
    for (const trigger of ['poll', 'apply']) {
      const ended = await lab.once('--trigger', trigger);
      assert.equal(ended.code, 26, ended.stderr);
      const [line = '', ...more] = complaints(ended);
      assert.match(line, /cycle\.blocked {2}code=DISK_READ_ONLY .*next=findmnt -T/, ended.stderr);
      assert.deepEqual(more, [], ended.stderr);
      assert.doesNotMatch(ended.stderr, /\n {4}at /);
    }
    const { trust, run, release, otherWriter } = lab.status();
    assert.equal(trust.error?.code, 'DISK_READ_ONLY');
    assert.equal(run?.status, 'skipped');
    assert.match(run.reason, /read-only/);
    assert.equal(release?.version, isFirst ? undefined : '1.0.0');
    assert.equal(otherWriter, undefined);
    assert.equal(await runs(lab), before);
    for (const end of undo) end();
    const next = await lab.once();
    assert.equal(next.code, 0, next.stderr);
    assert.equal(lab.status().release?.version, '1.1.0');
    assert.equal(lab.status().trust.error, null);
  });
}

if (canMount) {
  test('disk: a daemon whose /run is read-only runs, reports, and goes on when it can be written', async (t) => {
    const schedule = `schedule: { poll: '0 0 1 1 *', apply: '0 0 1 1 *' }\n`;
    const { lab, disk } = await diskLab(t, schedule);
    const undo = disk.makeReadOnly(lab.paths.runtime);
    const daemon = lab.start([]);
    const ended = lab.end(daemon);
    await waitUntil(() => lab.status().trust.error?.code === 'DISK_READ_ONLY');
    undo();
    daemon.kill('SIGUSR1');
    await waitUntil(() => lab.status().run?.status === 'unchanged');
    const { stdout } = await lab.run(['status', '--json']);
    assert.equal(JSON.parse(stdout).daemon?.pid, daemon.pid);
    daemon.kill('SIGTERM');
    const { code, stderr } = await ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /agent\.unclaimed {2}code=DISK_READ_ONLY/);
  });

  test('disk: full, and no bucket: runs go on, their reports are kept over restarts and sent as one', async (t) => {
    const { lab, disk } = await diskLab(t);
    disk.mountSmall(lab.paths.state, 'size=100m');
    assert.equal((await lab.once()).code, 0);
    fillSpace(lab.paths.state);
    lab.server.faults.add({ kind: 'status', status: 503 });
    for (let count = 1; count <= 3; count += 1) {
      const ended = await lab.once('--trigger', 'apply');
      assert.equal(ended.code, 0, ended.stderr);
      assert.doesNotMatch(ended.stderr, /state\.not-saved/);
      const { offline, run } = await lab.localStatus();
      assert.deepEqual(offline, { runs: count, skipped: 0 });
      assert.equal(run?.status, 'unchanged');
    }
    assert.equal((await lab.run(['disable', 'for a while'])).code, 0);
    assert.equal((await lab.once('--trigger', 'apply')).code, 10);
    assert.equal(await runs(lab), 4);
    lab.server.faults.clear();
    await lab.once('--trigger', 'poll');
    assert.deepEqual(lab.status().offline, { runs: 3, skipped: 1 });
    assert.deepEqual((await lab.localStatus()).offline, { runs: 0, skipped: 0 });
  });

  test('disk: full: newer metadata is kept, a release that does not fit is DISK_FULL, and comes later', async (t) => {
    const { lab, disk } = await diskLab(t);
    disk.mountSmall(lab.paths.state, 'size=100m');
    assert.equal((await lab.once()).code, 0);
    fillSpace(lab.paths.state);
    lab.publish('1.1.0', OTHER);
    const ended = await lab.once('--trigger', 'poll');
    assert.equal(ended.code, 0, ended.stderr);
    const { trust, release, offered } = lab.status();
    assert.equal(trust.error?.code, 'DISK_FULL');
    assert.deepEqual([release?.version, offered?.version], ['1.0.0', '1.1.0']);
    lab.publish('1.1.0', OTHER, { custom: { stop: true, reason: 'it deletes data' } });
    assert.equal((await lab.once()).code, 10, 'a stop is read, and kept');
    lab.publish('1.2.0', manifestWriting('/nowhere', 'three'));
    await rm(join(lab.paths.state, 'filler'));
    assert.equal((await lab.once()).code, 0);
    assert.equal(lab.status().release?.version, '1.2.0');
    assert.equal((await stat(join(lab.paths.reserves, 'run'))).size, 4 * 1024 ** 2);
  });

  test('disk: no inodes: each failure has a code, the state is saved, and the status is sent', async (t) => {
    const { lab, disk } = await diskLab(t);
    disk.mountSmall(lab.paths.state, 'size=100m,nr_inodes=2000');
    assert.equal((await lab.once()).code, 0);
    fillInodes(lab.paths.state);
    lab.publish('1.1.0', OTHER);
    const ended = await lab.once('--trigger', 'apply');
    assert.equal(ended.code, 1, ended.stderr);
    assert.doesNotMatch(ended.stderr, /state\.not-saved|\n {4}at /);
    const { run, trust } = lab.status();
    assert.deepEqual([run?.errorCode, trust.error?.code], ['DISK_FULL', 'DISK_FULL']);
    assert.deepEqual(await lab.localStatus(), {
      ...lab.status(),
      offline: { runs: 0, skipped: 0 },
    });
    await rm(join(lab.paths.state, 'fillers'), { recursive: true });
    const next = await lab.once('--trigger', 'poll');
    assert.equal(next.code, 0, next.stderr);
    assert.deepEqual([lab.status().release?.version, lab.status().trust.error], ['1.1.0', null]);
  });

  for (const size of ['4k', '512k', '4m']) {
    test(`disk: a state of ${size} from the first cycle on: a status with a code, until it is larger`, async (t) => {
      const { lab, disk } = await diskLab(t);
      const change = disk.mountSmall(lab.paths.state, `size=${size}`);
      for (const trigger of ['poll', 'apply']) {
        const ended = await lab.once('--trigger', trigger);
        assert.ok(ended.code === 22 || ended.code === 26, `${ended.code}: ${ended.stderr}`);
        assert.doesNotMatch(ended.stderr, /\n {4}at /);
        const { trust, release } = lab.status();
        assert.deepEqual([trust.error?.code, release], ['DISK_FULL', null]);
      }
      change('size=200m');
      const next = await lab.once('--trigger', 'poll');
      assert.equal(next.code, 0, next.stderr);
      assert.deepEqual([lab.status().release?.version, lab.status().trust.error], ['1.0.0', null]);
    });
  }

  test('disk: it fills up during a run of the real Puppet: the release is not bad, and runs again', async (t) => {
    const disk = disks(t);
    const lab = await agentLab(t);
    disk.mountSmall(lab.paths.state, 'size=100m');
    const filler = join(lab.paths.state, 'filler');
    const command = `/bin/sh -c "head -c 200000000 /dev/zero >${filler} || :"`;
    lab.publish('1.0.0', {
      'manifests/site.pp': `exec { '${command}': unless => '/usr/bin/test -e ${lab.root}/repaired' }`,
    });
    const ended = await lab.once('--trigger', 'poll');
    assert.equal(ended.code, 1, ended.stderr);
    assert.match(ended.stderr, /run\.ended {2}.*code=DISK_FULL/);
    const { run, bad, retry } = lab.status();
    assert.deepEqual(
      [run?.status, run?.errorCode, bad, retry?.try],
      ['failed', 'DISK_FULL', undefined, 1],
    );
    assert.match(run?.error ?? '', /No space left on device/);
    await rm(filler);
    await writeFile(join(lab.root, 'repaired'), '');
    const next = await lab.once();
    assert.equal(next.code, 0, next.stderr);
    assert.deepEqual([lab.status().run?.status, lab.status().retry], ['unchanged', undefined]);
  });

  test('disk: full /run: no lock, one line with a code, and the status is sent', async (t) => {
    const { lab, disk } = await diskLab(t);
    await mkdir(lab.paths.runtime, { recursive: true });
    disk.mountSmall(lab.paths.runtime, 'size=1m');
    assert.equal((await lab.once()).code, 0);
    fillSpace(lab.paths.runtime);
    const ended = await lab.once();
    assert.equal(ended.code, 26, ended.stderr);
    assert.match(
      complaints(ended).join('\n'),
      /^\S+ error: cycle\.blocked {2}code=DISK_FULL [^\n]*$/,
    );
    assert.equal(lab.status().trust.error?.code, 'DISK_FULL');
  });
}
