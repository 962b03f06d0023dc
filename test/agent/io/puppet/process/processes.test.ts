import assert from 'node:assert/strict';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { PuppetExit, PuppetLine } from '../../../../../agent/core/run/puppet-run.ts';
import { isRunning, sendSignal } from '../../../../../agent/io/host/processes.ts';
import { MAX_OUTPUT_BYTES } from '../../../../../agent/io/puppet/output/follow-output.ts';
import { hostPuppet } from '../../../../../agent/io/puppet/puppet.ts';
import type { ApplyRequest } from '../../../../../agent/ports.ts';
import { type PuppetPlace, puppetPlace } from '../../../../support/puppet-run.ts';
import { names } from '../../../../support/temporary-directory.ts';

const FAKE = join(import.meta.dirname, '../../../../fixtures/puppet/fake');
const NEVER = new AbortController().signal;

interface Fake {
  readonly place: PuppetPlace;
  readonly pids: string;
  apply(overrides?: Partial<ApplyRequest>, stop?: AbortSignal): Promise<PuppetExit>;
}

async function fake(t: TestContext, does: string, environment = {}): Promise<Fake> {
  const place = await puppetPlace(t);
  const pids = join(place.directory, 'pids');
  const puppet = hostPuppet({
    configuredPath: FAKE,
    launcher: 'group',
    graceMs: 300,
    environment: { FAKE: does, PIDS: pids, ...environment },
  });
  return {
    place,
    pids,
    apply: async (overrides, stop = NEVER) =>
      await puppet.apply(place.request({ puppet: await puppet.find(), ...overrides }), stop),
  };
}

/** A stop that comes when Puppet reports its start. */
function stopAtStart(place: PuppetPlace): [Partial<ApplyRequest>, AbortSignal] {
  const stop = new AbortController();
  const onLine = (line: PuppetLine) => {
    place.lines.push(line);
    stop.abort();
  };
  return [{ onLine }, stop.signal];
}

suite('how a run ends', () => {
  for (const code of [0, 1, 2, 4, 6, 255]) {
    test(`exit code ${code}`, async (t) => {
      const { apply } = await fake(t, 'exits', { CODE: String(code) });
      assert.deepEqual(await apply(), { kind: 'exited', exitCode: code });
    });
  }

  test('ended by another process', async (t) => {
    const { apply } = await fake(t, 'dies', { SIGNAL: 'KILL' });
    assert.deepEqual(await apply(), { kind: 'killed', signal: 'SIGKILL', why: 'foreign' });
  });

  test('the time limit', async (t) => {
    const { apply } = await fake(t, 'forever');
    const exit = await apply({ timeLimitSeconds: 0.2 });
    assert.deepEqual(exit, { kind: 'killed', signal: 'SIGTERM', why: 'time-limit' });
  });

  test('a stop that Puppet ignores', async (t) => {
    const { apply, place } = await fake(t, 'stubborn');
    const exit = await apply(...stopAtStart(place));
    assert.deepEqual(exit, { kind: 'killed', signal: 'SIGKILL', why: 'stopped' });
  });

  test('a stop before the start: nothing is started', async (t) => {
    const { apply, place } = await fake(t, 'prints');
    const exit = await apply({}, AbortSignal.abort());
    assert.deepEqual([exit.kind, place.lines], ['killed', []]);
  });

  test('a program that cannot be started', async (t) => {
    const { apply, place } = await fake(t, 'exits');
    const puppet = { path: join(place.directory, 'nothing'), version: '7.23.0' };
    await assert.rejects(apply({ puppet }), { code: 'PUPPET_NOT_STARTED' });
    assert.ok(!(await names(place.request().runDirectory)).includes('process.json'));
  });

  test('files that were in the run directory before are removed', async (t) => {
    const { apply, place } = await fake(t, 'exits');
    const { runDirectory } = place.request();
    await mkdir(runDirectory, { recursive: true });
    await writeFile(join(runDirectory, 'report.json'), '{"status":"unchanged"}');
    await apply();
    assert.ok(!(await names(runDirectory)).includes('report.json'));
  });

  test('a run directory that cannot be written', async (t) => {
    const { apply, place } = await fake(t, 'exits');
    // Root may write everywhere except below a file.
    await writeFile(dirname(place.request().runDirectory), '');
    await assert.rejects(apply(), { code: 'PUPPET_NOT_STARTED' });
  });

  test('the record of the process exists only while it runs', async (t) => {
    const { apply, place } = await fake(t, 'forever');
    const [overrides, stop] = stopAtStart(place);
    const { runDirectory } = place.request();
    let during: Promise<string> | undefined;
    stop.addEventListener('abort', () => {
      during = readFile(join(runDirectory, 'process.json'), 'utf8');
    });
    await apply(overrides, stop);
    assert.equal(JSON.parse((await during) ?? '').runId, 'run-1');
    assert.ok(!(await names(runDirectory)).includes('process.json'));
  });
});

suite('the processes that end with a run', () => {
  test('a command that hangs in a separate session is ended too', async (t) => {
    const { apply, place, pids } = await fake(t, 'hangs');
    const exit = await apply(...stopAtStart(place));
    assert.deepEqual(exit, { kind: 'killed', signal: 'SIGKILL', why: 'stopped' });
    assert.equal(isRunning(await pidIn(pids)), false);
  });

  test('a child left behind in its group does not delay the end, and is ended', async (t) => {
    const { apply, pids } = await fake(t, 'leaves-child');
    assert.deepEqual(await apply(), { kind: 'exited', exitCode: 2 });
    assert.equal(isRunning(await pidIn(pids)), false);
  });

  test('a service that left the group keeps running', async (t) => {
    const { apply, pids } = await fake(t, 'leaves-service');
    assert.deepEqual(await apply(), { kind: 'exited', exitCode: 2 });
    const pid = await pidIn(pids);
    t.after(() => sendSignal(pid, 'SIGKILL'));
    assert.equal(isRunning(pid), true);
  });
});

async function pidIn(path: string): Promise<number> {
  return Number(await readFile(path, 'utf8'));
}

suite('the output of a run', () => {
  test('line by line with its level, unchanged', async (t) => {
    const { apply, place } = await fake(t, 'prints');
    await apply();
    const long = place.lines.splice(5, 1)[0];
    assert.deepEqual(place.lines, [
      { level: 'info', text: 'Notice: one' },
      { level: 'error', text: 'Error: two' },
      { level: 'error', text: 'more of two' },
      { level: 'error', text: '' },
      { level: 'warn', text: 'Warning: caf\ufffd' },
      { level: 'info', text: 'Notice: no end' },
    ]);
    assert.ok(long !== undefined && long.text.length < 8300 && long.text.endsWith('(line cut)'));
  });

  test('both outputs, in order', async (t) => {
    const { apply, place } = await fake(t, 'streams');
    await apply();
    const texts = ['Notice: out', 'Error: err', 'Notice: out again'];
    assert.deepEqual(
      place.lines.map(({ text }) => text),
      texts,
    );
  });

  test('100 MB: 4 MB are kept, with a note that the rest was cut', async (t) => {
    const { apply, place } = await fake(t, 'floods');
    assert.deepEqual(await apply(), { kind: 'exited', exitCode: 2 });
    const { size } = await stat(join(place.request().runDirectory, 'puppet.log'));
    assert.ok(size >= MAX_OUTPUT_BYTES && size < MAX_OUTPUT_BYTES + 200);
    assert.equal(place.lines[0]?.text, 'Notice: first');
    assert.deepEqual(place.lines.at(-1)?.level, 'warn');
    assert.ok(place.lines.length < 200_000);
  });
});

test('a run gets a fixed environment, arguments without a shell, and an empty stdin', async (t) => {
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  const { apply, place } = await fake(t, 'shows', {
    MANAGED_ROOT: '/managed',
    FACTERLIB: '/facts',
  });
  await apply({ extraArguments: ['--one=$HOME `id` "two"'], tags: ['a', 'b::c'], noop: true });
  const texts = place.lines.map(({ text }) => text);
  const { runDirectory } = place.request();
  const variables = texts
    .filter((text) => /^[A-Z]\w*=/.test(text))
    .map((text) => text.split('=')[0]);
  const shells = ['PWD', 'SHLVL', 'OLDPWD', '_'];
  assert.deepEqual(variables.filter((name) => !shells.includes(name ?? '')).sort(), [
    'FACTERLIB',
    'FAKE',
    'HOME',
    'LANG',
    'MANAGED_ROOT',
    'NEEDRESTART_SUSPEND',
    'PATH',
    'PIDS',
  ]);
  assert.ok(texts.includes(`FACTERLIB=${runDirectory}/facter:/facts`));
  assert.ok(texts.includes('0022'));
  assert.ok(texts.includes('/'));
  for (const word of ['apply', '--noop', 'a,b::c', '--one=$HOME `id` "two"']) {
    assert.ok(texts.includes(`<${word}>`), word);
  }
  assert.equal(texts.at(-1), `<${place.request().environmentPath}/stable/manifests>`);
  assert.equal(process.umask(), 0o077);
});
