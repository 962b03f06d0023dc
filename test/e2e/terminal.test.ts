import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import type { Command } from 'commander';
import fc from 'fast-check';
import { NO_STATE } from '../../agent/core/state.ts';
import { hostStatusKey, metadataKey } from '../../bucket/layout.ts';
import { buildProgram } from '../../operator/cli/program.ts';
import { BUCKET, initialized, TREE, TREE_ID } from '../operator/operator-lab.ts';
import { type AgentLab, agentLab, BUCKET as HOST_BUCKET } from '../support/agent-lab.ts';
import { builtProgram } from '../support/built-program.ts';
import { IS_SOAK } from '../support/soak.ts';
import { sampleRun, sampleStatus } from '../support/status-sample.ts';
import { waitUntil } from '../support/wait-until.ts';

/*
 * Row 13: text from outside in every possible place, and every command of both programs.
 * The output has no escape sequence, no bidi control, no half surrogate, and is short.
 */

const HOSTILE = /[^\P{C}\n]|[\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const MAX_OUTPUT = 64 * 1024;
const FIXED =
  '\u001b]52;c;eA==\u0007\u001b[2J\u009b31m\u202e\u2066\ud800\udfff\u200b\u2028\0trust: ok';

/** For processes, which cost a third of a second: both texts as one, apart in the soak. */
function textsOfProcesses(t: TestContext): readonly string[] {
  const texts = hostileTexts(t, 1);
  return IS_SOAK ? texts : [texts.join('')];
}

/** The same for a whole run; MM_TEST_SEED repeats a run. */
function hostileTexts(t: TestContext, count: number): readonly string[] {
  const seed = Number(process.env['MM_TEST_SEED'] ?? Date.now() % 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const odd = fc.oneof(
    fc.integer({ min: 0, max: 0x1f }),
    fc.integer({ min: 0x7f, max: 0x9f }),
    fc.constantFrom(0x200b, 0x200e, 0x202a, 0x202e, 0x2028, 0x2066, 0x2069, 0xfeff, 0xe0041),
    fc.integer({ min: 0xd800, max: 0xdfff }),
    fc.integer({ min: 0x20, max: 0x7e }),
  );
  const text = fc
    .array(odd, { minLength: 4, maxLength: 30 })
    .map((points) => points.map((point) => String.fromCodePoint(point)).join(''));
  return [FIXED, ...fc.sample(text, { numRuns: count, seed })];
}

function assertClean(name: string, ...outputs: readonly string[]): void {
  for (const output of outputs) {
    const found = HOSTILE.exec(output);
    const near = found === null ? '' : JSON.stringify(output.slice(0, found.index + 20).slice(-80));
    assert.equal(found, null, `${name}: ${near}`);
    assert.ok(output.length <= MAX_OUTPUT, `${name}: ${output.length} characters`);
  }
}

/** Every command that `mm --help` and the help of its parts name. */
function commandLines(): string[][] {
  const context = {} as Parameters<typeof buildProgram>[0];
  const output = {} as Parameters<typeof buildProgram>[1];
  const walk = ({ commands }: Command, above: readonly string[]): string[][] =>
    commands.flatMap((command) => {
      const path = [...above, command.name()];
      return command.commands.length === 0 ? [path] : walk(command as Command, path);
    });
  return walk(buildProgram(context, output) as Command, []);
}

test('row 13: no command of mm prints foreign text as it is', async (t) => {
  const lab = await initialized(t);
  const [evil = '', ...more] = hostileTexts(t, 3);
  const { certname } = sampleStatus;
  const write = (key: string, document: unknown) =>
    lab.server.put(BUCKET, key, Buffer.from(JSON.stringify(document)));
  const pollute = (text: string) => {
    const run = { ...sampleRun, reason: text, error: text, changedResources: [text] };
    const trust = { ...sampleStatus.trust, state: text, error: { code: text, message: text } };
    write(hostStatusKey(TREE, certname), { ...sampleStatus, run, trust, facts: { a: text } });
    const signed = {
      _type: text,
      version: 1,
      expires: text,
      'x-tree': TREE_ID,
      meta: { [text]: {} },
    };
    write(metadataKey(TREE, 'timestamp.json'), {
      signatures: [{ keyid: text, sig: text }],
      signed: {
        ...signed,
        keys: { [text]: { keytype: text, scheme: text, keyval: { public: text } } },
      },
    });
  };
  const commands = commandLines();
  assert.ok(commands.length > 10, String(commands.length));
  for (const [index, command] of commands.entries()) {
    const text = [evil, ...more][index % (more.length + 1)] ?? evil;
    pollute(text);
    for (const args of [
      command,
      [...command, text],
      [...command, '--json'],
      [...command, `--${text}`],
    ]) {
      const { stdout, stderr } = await lab.mm(args);
      assertClean(args.join(' '), stdout, stderr);
    }
  }
  for (const text of [evil, ...more]) {
    lab.server.faults.add({ kind: 'status', status: 400, code: text });
    for (const args of [['status'], ['doctor'], ['releases', '--json'], ['key', 'list']]) {
      const { stdout, stderr } = await lab.mm(args);
      assertClean(args.join(' '), stdout, stderr);
    }
    lab.server.faults.clear();
  }
});

test('row 13: no command of mm-agent prints foreign text as it is', async (t) => {
  const lab = await agentLab(t);
  const texts = textsOfProcesses(t);
  await lab.configure();
  await mkdir(lab.paths.state, { recursive: true, mode: 0o700 });
  for (const text of texts) {
    const run = { ...sampleRun, reason: text, error: `${text}\n${text}`, changedResources: [text] };
    const trust = { ...sampleStatus.trust, state: text, error: { code: text, message: text } };
    const status = { ...sampleStatus, run, trust };
    await writeFile(lab.paths.stateFile, JSON.stringify({ ...NO_STATE, status }), { mode: 0o600 });
    await mkdir(dirname(lab.paths.facts), { recursive: true });
    const facts = { schemaVersion: 1, certname: 'x', digest: 'a'.repeat(64), facts: { a: text } };
    await writeFile(
      lab.paths.facts,
      JSON.stringify({ ...facts, writtenAt: new Date().toISOString() }),
    );
    const signed = { _type: text, version: 1, 'x-tree': text, meta: { [text]: {} } };
    lab.server.put(
      HOST_BUCKET,
      metadataKey(TREE, 'timestamp.json'),
      Buffer.from(JSON.stringify({ signatures: [], signed, padding: text.repeat(100) })),
    );
    for (const args of [
      ['status'],
      ['doctor'],
      ['facts', 'a'],
      ['facts', '--json'],
      ['disable', withoutNul(text)],
      ['enable'],
      ['reset-clock'],
      ['reset-clock', withoutNul(text)],
      [withoutNul(text)],
      [`--${withoutNul(text)}`],
      ['--once'],
      ['--once', '--json'],
    ]) {
      const { stdout, stderr } = await lab.run(args);
      assertClean(args.join(' '), stdout, stderr);
    }
    const daemon = await daemonOutput(lab);
    assertClean('daemon', daemon.stdout, daemon.stderr);
    lab.server.faults.add({ kind: 'status', status: 400, code: text });
    const refused = await daemonOutput(lab);
    assertClean('daemon, refused', refused.stdout, refused.stderr);
    for (const args of [['--once'], ['--once', '--json'], ['status'], ['doctor']]) {
      const { stdout, stderr } = await lab.run(args);
      assertClean(args.join(' '), stdout, stderr);
    }
    lab.server.faults.clear();
  }
});

/** The daemon polls, its cycle says what is wrong with the bucket, and it is stopped. */
async function daemonOutput(lab: AgentLab): Promise<{ stdout: string; stderr: string }> {
  const daemon = lab.start([]);
  const ended = lab.end(daemon);
  let seen = '';
  daemon.stderr?.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  await waitUntil(() => /METADATA_|TREE_MISMATCH|S3_/.test(seen));
  daemon.kill('SIGTERM');
  return await ended;
}

test('row 13: the process of mm prints no foreign text as it is, in answers and in notices', async (t) => {
  const lab = await initialized(t);
  const run = async (...args: string[]) => {
    const [node = '', ...mm] = await builtProgram('mm');
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, PATH } = process.env;
    const env = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, PATH };
    const home = join(lab.directory, 'home');
    const child = spawn(node, [...mm, ...args], {
      cwd: lab.repository,
      env: { ...env, HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    assertClean(args.join(' '), stdout, stderr);
    return `${stdout}${stderr}`;
  };
  for (const name of textsOfProcesses(t)) {
    const file = withoutNul(name).replaceAll('/', '').toWellFormed();
    await lab.write(`${file}.pp~`, '');
    await lab.write(`notes/${file}`, '');
    assert.match(
      await run('publish', 'stable', '--working-tree', '--noop', '--no-validate'),
      /mm: /,
    );
    await rm(join(lab.repository, `${file}.pp~`));
    lab.server.faults.add({ kind: 'status', status: 400, code: name });
    for (const args of [['status'], ['doctor'], ['releases', '--json'], ['publish', 'stable']]) {
      assert.notEqual(await run(...args), '');
    }
    lab.server.faults.clear();
    assert.match(await run(withoutNul(name)), /mm: /);
  }
});

/** An argument of a process cannot contain NUL. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}
