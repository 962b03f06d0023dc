import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { hostStatusKey } from '../../bucket/layout.ts';
import {
  type AgentLab,
  agentLab,
  BUCKET,
  CERTNAME,
  manifestWriting,
  TREE,
} from '../support/agent-lab.ts';
import { isRoot, NOBODY } from '../support/ordinary-user.ts';
import { waitUntil } from '../support/wait-until.ts';

const SITE = manifestWriting('/nowhere', 'one');
/** Sets `$NAME` to the value of an argument of Puppet. */
const argument = (name: string, option: string): string =>
  `for word; do [ "$before" = ${option} ] && ${name}=$word; before=$word; done`;

const CANNOT_BEGIN: Readonly<Record<string, readonly [string, string]>> = {
  'require_files: a file that is missing': ['FILES_MISSING', 'require_files: [ROOT/vault.yaml]'],
  'overlay: a file that is missing': ['FILES_MISSING', 'overlay: {data/x: ROOT/vault.yaml}'],
  'overlay: a file that others can write': ['FILE_UNSAFE', 'overlay: {data/x: ROOT/open}'],
  'run.environment_files: one that others can read': [
    'FILE_UNSAFE',
    'run: {puppet: PUPPET, environment_files: [ROOT/readable]}',
  ],
};

for (const [name, [code, keys]] of Object.entries(CANNOT_BEGIN)) {
  test(`host data: ${name}: the run is not begun, and the status has ${code}`, async (t) => {
    const lab = await agentLab(t);
    const puppet = await lab.fakePuppet(`touch ${lab.root}/begun`);
    await writeFile(join(lab.root, 'open'), 'x');
    await chmod(join(lab.root, 'open'), 0o666);
    await writeFile(join(lab.root, 'readable'), 'TOKEN=t-o-k-e-n\n');
    await chmod(join(lab.root, 'readable'), 0o644);
    const run = keys.startsWith('run:') ? '' : `run: {puppet: ${puppet}}\n`;
    await lab.configure(`${run}${keys.replace('PUPPET', puppet).replaceAll('ROOT', lab.root)}\n`);
    lab.publish('1.0.0', SITE);
    const ended = await lab.once();
    assert.equal(ended.code, 1, ended.stderr);
    assert.ok(!existsSync(join(lab.root, 'begun')));
    const { run: summary } = lab.status();
    assert.deepEqual([summary?.status, summary?.errorCode], ['failed', code], ended.stderr);
    const file = keys.match(/ROOT\/(\w+(?:\.yaml)?)/)?.[1] ?? '';
    assert.ok(summary?.error?.includes(join(lab.root, file)), summary?.error ?? '');
    assert.doesNotMatch(ended.stderr, /t-o-k-e-n/);
    const shown = await lab.run(['status']);
    assert.match(shown.stdout, new RegExp(`${code}: `));
  });
}

/** A host whose Puppet copies the vault that it sees, and then waits for the file `end`. */
async function hangingLab(t: Parameters<typeof agentLab>[0]): Promise<AgentLab> {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet(`${argument('path', '--environmentpath')}
    cp "$path/stable/data/vault.yaml" ${lab.root}/seen
    echo $$ >${lab.root}/pid.new; mv ${lab.root}/pid.new ${lab.root}/pid
    while [ ! -e ${lab.root}/end ]; do sleep 0.1; done`);
  await writeFile(join(lab.root, 'vault.yaml'), 'secret: s3cret\n');
  await lab.configure(
    `run: {puppet: ${puppet}}\noverlay: {data/vault.yaml: ${join(lab.root, 'vault.yaml')}}\n`,
  );
  lab.publish('1.0.0', { ...SITE, 'data/vault.yaml': 'of the release\n' });
  return lab;
}

test('host data: the overlay is gone with the run, also when its agent was killed', async (t) => {
  const lab = await hangingLab(t);
  const agent = lab.start(['--once']);
  const ended = lab.end(agent);
  await waitUntil(() => existsSync(join(lab.root, 'pid')));
  agent.kill('SIGKILL');
  await ended;
  await lab.letLockGoStale();
  assert.equal(await readFile(join(lab.root, 'seen'), 'utf8'), 'secret: s3cret\n');
  const tree = join(lab.paths.environments, 'stable');
  assert.equal(await readFile(join(tree, 'data/vault.yaml'), 'utf8'), 'of the release\n');

  const next = lab.end(lab.start(['--once']));
  // The next agent waits for the run, which still sees its files.
  assert.ok(existsSync(join(lab.paths.view, 'stable/data/vault.yaml')));
  await writeFile(join(lab.root, 'end'), '');
  const { code, stderr } = await next;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /run\.picked-up/);
  assert.ok(!existsSync(lab.paths.view));
});

/** Where the agent is killed: the name of a call and its words. */
const KILLED_BEFORE: Readonly<Record<string, string>> = {
  'the first link of the view': 'symlink .*/view/',
  'the copy of the vault': 'writeFile .*/view/',
  'the start of Puppet': 'spawn .*fake-puppet (?!--version)',
};

for (const [name, before] of Object.entries(KILLED_BEFORE)) {
  test(`host data: killed right before ${name}: the next cycle leaves no view`, async (t) => {
    const lab = await hangingLab(t);
    await writeFile(join(lab.root, 'end'), '');
    const { signal } = await lab.run(['--once'], {
      NODE_OPTIONS: `--import=${join(import.meta.dirname, '../support/kill-at.mjs')}`,
      MM_KILL_BEFORE: before,
    });
    assert.equal(signal, 'SIGKILL');
    assert.ok(existsSync(lab.paths.view));
    await lab.letLockGoStale();
    const next = await lab.once();
    assert.equal(next.code, 0, next.stderr);
    assert.equal(await readFile(join(lab.root, 'seen'), 'utf8'), 'secret: s3cret\n');
    assert.ok(!existsSync(lab.paths.view));
  });
}

test('host data: a view that a power cut left over is removed, whatever the next cycle does', async (t) => {
  const lab = await hangingLab(t);
  await writeFile(join(lab.root, 'end'), '');
  assert.equal((await lab.once()).code, 0);
  assert.ok(!existsSync(lab.paths.view));
  for (const file of ['end', 'pid']) await rm(join(lab.root, file));
  const agent = lab.start(['--once']);
  const ended = lab.end(agent);
  await waitUntil(() => existsSync(join(lab.root, 'pid')));
  process.kill(Number(await readFile(join(lab.root, 'pid'), 'utf8')), 'SIGKILL');
  agent.kill('SIGKILL');
  await ended;
  await lab.letLockGoStale();
  await lab.run(['disable', 'a test']);
  await lab.once();
  assert.ok(!existsSync(lab.paths.view));
});

test('releases.mode: another user reads a file of the release by its stable path', async (t) => {
  const lab = await agentLab(t);
  // The umask of root may forbid others what /var/lib allows them.
  await mkdir(dirname(lab.paths.state), { recursive: true });
  for (const directory of ['', 'var', 'var/lib']) await chmod(join(lab.root, directory), 0o755);
  const puppet = await lab.fakePuppet();
  lab.publish('1.0.0', SITE);
  const path = join(lab.paths.environments, 'stable/manifests/site.pp');
  const others = { encoding: 'utf8', ...(isRoot && { uid: NOBODY, gid: NOBODY }) } as const;
  for (const [mode, isReadable] of [
    ['0755', true],
    ['0700', false],
    ['0711', true],
  ] as const) {
    await lab.configure(`run: {puppet: ${puppet}}\nreleases: {mode: ${mode}}\n`);
    const ended = await lab.once();
    assert.equal(ended.code, 0, ended.stderr);
    for (const directory of [lab.paths.state, lab.paths.releases]) {
      assert.equal((await stat(directory)).mode & 0o7777, Number.parseInt(mode, 8), directory);
    }
    // An ordinary user reads its own files whatever the mode.
    assert.equal(spawnSync('cat', [path], others).status === 0, isReadable || !isRoot, mode);
    for (const secret of [
      lab.paths.stateFile,
      join(lab.paths.runs, '.'),
      lab.paths.checkedConfig,
    ]) {
      if (existsSync(secret)) assert.equal((await stat(secret)).mode & 0o077, 0, secret);
    }
  }
});

test('host data: secrets of run.environment_files reach Puppet, no log, no status, no argument', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet(
    `{ echo "$TOKEN" "$VAULT_ADDR"; tr '\\0' ' ' </proc/$$/cmdline; } >${lab.root}/seen`,
  );
  await writeFile(join(lab.root, 'env'), 'TOKEN=t-o-k-e-n\n', { mode: 0o600 });
  await lab.configure(
    `run: {puppet: ${puppet}, environment: {VAULT_ADDR: 'https://vault'}, environment_files: [${lab.root}/env]}\n`,
  );
  lab.publish('1.0.0', SITE);
  const ended = await lab.once('--debug');
  assert.equal(ended.code, 0, ended.stderr);
  const [seen, argv] = (await readFile(join(lab.root, 'seen'), 'utf8')).split('\n');
  assert.equal(seen, 't-o-k-e-n https://vault');
  assert.match(argv ?? '', /--environmentpath \S+\/releases\/[0-9a-f]{64}\/environments /);
  for (const text of [argv, ended.stderr, ended.stdout, JSON.stringify(lab.status())]) {
    assert.doesNotMatch(text ?? '', /t-o-k-e-n/);
  }
});

test('facts: an integer beyond 2^53 keeps its digits in a status that is sent from state.json', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet(`${argument('data', '--client_datadir')}
    mkdir -p "$data/facts"
    echo '{"values":{"efs":9223372036853727233}}' >"$data/facts/${CERTNAME}.json"`);
  await lab.configure(`run: {puppet: ${puppet}}\nfacts: {promote: [efs]}\n`);
  lab.publish('1.0.0', SITE);
  await lab.once();
  const sent = () => String(lab.server.get(BUCKET, hostStatusKey(TREE, CERTNAME)));
  const first = sent();
  await lab.run(['disable', 'a test']);
  await lab.once();
  assert.notEqual(sent(), first);
  for (const text of [first, sent()]) assert.match(text, /"efs":9223372036853727233\b/);
  assert.equal((await lab.run(['facts', 'efs'])).stdout, '9223372036853727233\n');
  assert.match((await lab.run(['facts'])).stdout, /"efs": 9223372036853727233\b/);
});
