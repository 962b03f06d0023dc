import assert from 'node:assert/strict';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { build, PROGRAMS } from '../../packaging/build.ts';
import { agentLab, manifestWriting } from '../support/agent-lab.ts';
import { serviceCommand } from '../support/service-command.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitUntil } from '../support/wait-until.ts';

/** The agent as it is shipped: in parts, with the code cache that it stores between cycles. */

const MANIFEST = manifestWriting('/nowhere', 'one');

let built: string;
before(async () => {
  built = await mkdtemp(join(tmpdir(), 'miyamoto-bundle-'));
  await build({ programs: { 'mm-agent': PROGRAMS['mm-agent'] }, outputDirectory: built });
});
after(() => rm(built, { recursive: true }));

async function bundleLab(t: TestContext, script: (libexec: string) => string = () => '') {
  const libexec = await temporaryDirectory(t); // a copy, because a test may remove it
  await cp(built, libexec, { recursive: true });
  const lab = await agentLab(t);
  lab.command = [process.execPath, join(libexec, 'mm-agent.mjs')];
  const puppet = await lab.fakePuppet(script(libexec));
  const schedule = `schedule: { poll: '0 0 1 1 *', apply: '0 0 1 1 *' }`;
  await lab.configure(`run: { puppet: ${puppet} }\n${schedule}\n`);
  lab.publish('1.0.0', MANIFEST);
  const { state } = lab.paths;
  const cache = join(state, 'compile-cache');
  return { lab, libexec, cache, config: lab.paths.checkedConfig };
}

async function filesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('bundle: an upgrade removes the program during a run; the cycle ends normally', async (t) => {
  const { lab } = await bundleLab(t, (libexec) => `rm -rf ${libexec}`);
  const { code, stderr } = await lab.once();
  assert.equal(code, 0, stderr);
  assert.equal(lab.status().run?.status, 'unchanged');
});

test('bundle: an upgrade removes the program of a running daemon; it continues, and ends on a signal', async (t) => {
  const { lab } = await bundleLab(t, (libexec) => `rm -rf ${libexec}`);
  const daemon = lab.start(['--json']);
  const ended = lab.end(daemon);
  await waitUntil(() => lab.status().run?.status === 'unchanged');
  daemon.kill('SIGUSR1'); // the child of this cycle cannot start
  daemon.kill('SIGTERM');
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
});

test("bundle: the daemon runs with the unit's command line, its children without those options", {
  skip: process.platform === 'linux' ? false : 'only Linux has /proc',
}, async (t) => {
  const { lab, libexec } = await bundleLab(t, () => 'tr "\\0" " " </proc/$PPID/cmdline >&2');
  lab.command = await serviceCommand(libexec, process.execPath);
  const daemon = lab.start(['--debug']);
  t.after(() => daemon.kill('SIGKILL'));
  const ended = lab.end(daemon);
  await waitUntil(() => lab.status().run?.status === 'unchanged');
  const started = await readFile(`/proc/${daemon.pid}/cmdline`, 'utf8');
  daemon.kill('SIGTERM');
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
  assert.ok(started.includes('--lite-mode'), started);
  assert.match(stderr, /mm-agent\.mjs --once/);
  assert.doesNotMatch(stderr, /lite-mode/);
});

test('bundle: the compiled code is used unchanged in each cycle', async (t) => {
  const { lab, cache } = await bundleLab(t);
  for (let n = 0; n < 2; n += 1) await lab.once();
  const kept = await filesIn(cache);
  assert.ok(
    kept.some((path) => path.endsWith('/mm-agent-once.js')),
    kept.join(),
  );
  const times = async () => await Promise.all(kept.map(async (path) => (await stat(path)).mtimeMs));
  const before = await times();
  assert.equal((await lab.once()).code, 0);
  // V8 refuses code that another version or other flags made; it would then be stored again.
  assert.deepEqual(await times(), before);
  assert.deepEqual(await filesIn(cache), kept);
});

test('bundle: code compiled from other sources of the same length is not used', async (t) => {
  const { lab, libexec } = await bundleLab(t);
  for (let n = 0; n < 2; n += 1) await lab.once();
  const part = join(libexec, 'mm-agent-once.js');
  const text = await readFile(part, 'utf8');
  await writeFile(part, text.replace('"cycle.ended"', '"cycle.other"'));
  const { code, stderr } = await lab.once();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /cycle\.other/);
});

test('bundle: a cycle without a run stores nothing, because it loaded less than a later cycle needs', async (t) => {
  const { lab, cache } = await bundleLab(t);
  assert.equal((await lab.once()).code, 0);
  assert.equal((await lab.run(['disable', 'a test'])).code, 0);
  await lab.once();
  assert.deepEqual(await filesIn(cache), []);
  assert.equal((await lab.run(['enable'])).code, 0);

  const config = await readFile(lab.paths.configFile, 'utf8');
  await writeFile(lab.paths.configFile, config.replace(/puppet: [^ ]+/, 'puppet: /nowhere/puppet'));
  assert.notEqual((await lab.once()).code, 0);
  assert.equal(lab.status().run?.status, 'failed');
  assert.deepEqual(await filesIn(cache), []);

  await writeFile(lab.paths.configFile, config);
  await lab.once();
  assert.ok((await filesIn(cache)).length > 0);
});

const changes: Readonly<Record<string, (compiled: Buffer) => Buffer>> = {
  'one bit changed': (compiled) => {
    compiled.writeUInt8(compiled.readUInt8(compiled.length - 5000) ^ 1, compiled.length - 5000);
    return compiled;
  },
  'its second half missing': (compiled) => compiled.subarray(0, compiled.length / 2),
};
for (const [name, change] of Object.entries(changes)) {
  test(`bundle: compiled code with ${name} is not used, and compiled again`, async (t) => {
    const { lab, cache } = await bundleLab(t);
    for (let n = 0; n < 2; n += 1) await lab.once();
    const path = (await filesIn(cache)).find((file) => file.endsWith('/mm-agent-once.js')) ?? '';
    const changed = change(await readFile(path));
    await writeFile(path, changed);
    const { code, stderr } = await lab.once();
    assert.equal(code, 0, stderr);
    assert.equal(changed.equals(await readFile(path)), false);
  });
}

test('bundle: only the owner can read the stored code', async (t) => {
  const { lab, cache, config } = await bundleLab(t);
  // The first cycle creates the state directory.
  for (let n = 0; n < 2; n += 1) assert.equal((await lab.once()).code, 0);
  assert.equal((await stat(cache)).mode & 0o777, 0o700);
  assert.equal((await stat(config)).mode & 0o777, 0o600);
  assert.ok((await filesIn(cache)).length > 0);
});

const damages: Readonly<Record<string, (cache: string) => Promise<void>>> = {
  'other bytes': async (cache) => {
    for (const file of await filesIn(cache)) await writeFile(file, Buffer.alloc(5000, 'x'));
  },
  'cut short': async (cache) => {
    for (const file of await filesIn(cache)) await writeFile(file, '');
  },
  'a file': async (cache) => {
    await rm(cache, { recursive: true });
    await writeFile(cache, '');
  },
  'a link to where others write': async (cache) => {
    await rm(cache, { recursive: true });
    await mkdir(`${cache}-elsewhere`, { mode: 0o777 });
    await symlink(`${cache}-elsewhere`, cache);
  },
  'writable to all': (cache) => chmod(cache, 0o777),
};
for (const [name, damage] of Object.entries(damages)) {
  test(`bundle: compiled code that is ${name} is compiled again`, async (t) => {
    const { lab, cache } = await bundleLab(t);
    for (let n = 0; n < 2; n += 1) await lab.once();
    await damage(cache);
    const { code, stderr } = await lab.once();
    assert.equal(code, 0, stderr);
    assert.equal((await stat(cache)).mode & 0o777, 0o700);
    const kept = await Promise.all((await filesIn(cache)).map((file) => stat(file)));
    assert.ok(kept.some(({ size }) => size > 5000));
  });
}
