import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startOf } from '../../../agent/io/host/processes.ts';
import { findPuppet, type PuppetRuby } from '../../../operator/puppet/find-puppet.ts';
import { rubySources } from '../../../operator/puppet/ruby/ruby-source.ts';
import { type RubyTask, runRuby } from '../../../operator/puppet/run-ruby.ts';
import { bundleProgram } from '../../../packaging/bundle.ts';
import { runningProcess } from '../../support/running-process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { waitUntil } from '../../support/wait-until.ts';

const ROOT = join(import.meta.dirname, '../../..');
const env = process.env;

const puppet = findPuppet(env) ?? assert.fail('these tests need Puppet');

/** Runs Ruby code in place of a program: `-e` before the script's name. */
function running(code: string): PuppetRuby {
  const { path, arguments: first } = puppet.ruby;
  const load = 'require File.expand_path("answers", File.dirname(ARGV[0]));';
  return { ...puppet, ruby: { path, arguments: [...first, '-e', `${load}${code}`] } };
}

async function run(code: string, more: Partial<RubyTask> = {}): Promise<unknown[]> {
  const answers: unknown[] = [];
  const onAnswer = (answer: unknown) => answers.push(answer);
  const task = { program: 'answers.rb', request: null, env, limitMs: 600_000, onAnswer, ...more };
  await runRuby(running(code), task);
  return answers;
}

for (const [name, text] of Object.entries(rubySources())) {
  test(`ruby of mm: ${name} has no mistake that ruby -wc finds`, () => {
    const options = { encoding: 'utf8', input: text } as const;
    const { status, stdout, stderr } = spawnSync('ruby', ['-wc'], options);
    assert.deepEqual([status, stdout, stderr], [0, 'Syntax OK\n', '']);
  });
}

test('ruby of mm: the built program contains the same texts', async (t) => {
  const request = { root: ROOT, program: 'x', entry: 'operator/puppet/ruby/ruby-source.ts' };
  const [part] = await bundleProgram({ ...request, plugins: [] });
  assert.ok(part !== undefined);
  const path = join(await temporaryDirectory(t), part.name);
  await writeFile(path, part.contents);
  const built = (await import(path)) as { rubySources: typeof rubySources };
  assert.deepEqual(built.rubySources(), rubySources());
});

test('run ruby: no credentials of mm, of an agent or of a CI runner reach the program', async () => {
  const secrets = Object.fromEntries(
    [
      ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
      ...['AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'],
      ...['MM_KEY_PASSPHRASE_FILE', 'SSH_AUTH_SOCK', 'VAULT_TOKEN', 'FORGE_API_KEY'],
      ...['GITHUB_TOKEN', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'CI_JOB_TOKEN', 'DB_PASSWORD'],
    ].map((name) => [name, 'the-secret']),
  );
  const code = `Answers.request; found = ENV.to_h.select { |_, value| value == "the-secret" }
    Answers.say([found.keys, ENV["AWS_REGION"]]); Answers.done`;
  const given = { ...env, ...secrets, AWS_REGION: 'eu-central-1' };
  assert.deepEqual(await run(code, { env: given }), [[[], 'eu-central-1']]);
});

test('run ruby: the request arrives, and answers in their order, not what is printed', async () => {
  const request = { text: 'ü\n"\u2028', list: [1, null] };
  const code = `request = Answers.request; puts "[1]"; $stderr.puts "no"; Answers.say(request)
    Answers.say(defined?(Puppet).nil?); require "puppet"; Answers.say(Puppet.version[/^\\d/].to_i > 6)
    Answers.done`;
  assert.deepEqual(await run(code, { request }), [request, true, true]);
});

test('run ruby: forked processes answer, too', async () => {
  const code = `pids = 3.times.map { |n| fork { 100.times { |i| Answers.say([n, i]) }; exit!(0) } }
    pids.each { |pid| Process.wait(pid) }; Answers.done`;
  assert.equal((await run(code)).length, 300);
});

const failures: Record<string, { code: string; says: RegExp }> = {
  'raises an error': { code: 'raise "a reason"', says: /ended with exit code 1.*a reason/ },
  'ends early': { code: 'exit!(0)', says: /ended with exit code 0/ },
  crashes: { code: 'Process.kill(:SEGV, $$); sleep', says: /ended with signal SIG(SEGV|ABRT)/ },
  'ends within an answer': { code: 'Answers::OUT.write(%([1)); exit!(0)', says: /exit code 0/ },
  'gives no last answer': { code: 'Answers.say(1)', says: /ended with exit code 0/ },
};
for (const [name, { code, says }] of Object.entries(failures)) {
  test(`run ruby: a program that ${name} is PUPPET_FAILED`, async () => {
    const where = () => 'while checking a.pp';
    await assert.rejects(run(code, { where }), (error: Error) => {
      assert.match(error.message, says);
      assert.match(error.message, /while checking a\.pp/);
      return 'code' in error && error.code === 'PUPPET_FAILED';
    });
  });
}

test('run ruby: a Ruby that cannot be started is PUPPET_FAILED', async () => {
  const task = { program: 'answers.rb', request: null, env, limitMs: 600_000, onAnswer() {} };
  const missing = { ...puppet, ruby: { path: '/nonexistent/ruby', arguments: [] } };
  await assert.rejects(runRuby(missing, task), { code: 'PUPPET_FAILED' });
});

test('run ruby: a program that hangs is ended with its children, and names its limit', async (t) => {
  const directory = await temporaryDirectory(t);
  // Pid and start time of the child: after the end, another process may have the pid.
  const code = `child = fork { sleep }
    started = File.read("/proc/#{child}/stat").rpartition(") ").last.split[19]
    File.write("${directory}/child", [child, started].join(" ")); sleep`;
  await assert.rejects(run(code, { limitMs: 3000 }), {
    code: 'PUPPET_FAILED',
    message: /did not end within 3 s/,
  });
  const text = await readFile(join(directory, 'child'), 'utf8').catch(() => undefined);
  const [pid, started] = text?.split(' ') ?? [];
  if (pid !== undefined) await waitUntil(async () => (await startOf(Number(pid))) !== started);
});

test('run ruby: when mm is killed, the program and its children end', async (t) => {
  const directory = await temporaryDirectory(t);
  const code = `Answers.request; child = fork { sleep }
    File.write("${directory}/pids", [$$, child].join(" ")); sleep`;
  const script = `
    import { runRuby } from '${ROOT}/operator/puppet/run-ruby.ts';
    const task = { program: 'answers.rb', request: null, env: process.env, limitMs: 600000, onAnswer() {} };
    await runRuby(${JSON.stringify(running(code))}, task);`;
  const options = ['--input-type=module-typescript', '-e', script];
  const mm = spawn(process.execPath, options, { stdio: 'ignore' });
  const written = () => readFile(join(directory, 'pids'), 'utf8');
  await waitUntil(async () => /^\d+ \d+$/.test(await written()));
  const processes: (() => Promise<boolean>)[] = [];
  for (const pid of (await written()).split(' ')) processes.push(await runningProcess(Number(pid)));
  mm.kill('SIGKILL');
  await once(mm, 'exit');
  for (const runs of processes) await waitUntil(async () => !(await runs()));
});

/** In place of where packages install Puppet. */
const NOWHERE = '/nonexistent';

/** A directory with a program `puppet`. */
async function withPuppet(t: TestContext, text: string): Promise<string> {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, 'puppet'), text);
  await chmod(join(directory, 'puppet'), 0o755);
  return directory;
}

test('find puppet: where packages install it counts before the search path', async (t) => {
  const packaged = await withPuppet(t, '#!/opt/packaged/ruby\n');
  const other = await withPuppet(t, '#!/opt/other/ruby\n');
  assert.equal(findPuppet({ PATH: other }, packaged)?.ruby.path, '/opt/packaged/ruby');
});

test('find puppet: Ruby is the one in the first line of the program', async (t) => {
  const own = await withPuppet(t, '#!/opt/own/bin/ruby\n');
  const found = findPuppet({ PATH: `relative:${own}` }, NOWHERE);
  assert.deepEqual(found?.ruby, { path: '/opt/own/bin/ruby', arguments: [] });
});

test('find puppet: a shell script such as that of rbenv has a ruby beside it', async (t) => {
  const alone = await withPuppet(t, '#!/bin/sh\n');
  const shims = await withPuppet(t, '#!/usr/bin/env bash\n');
  await symlink('/bin/true', join(shims, 'ruby'));
  const found = findPuppet({ PATH: `${alone}:${shims}` }, NOWHERE);
  assert.deepEqual(found?.ruby, { path: join(shims, 'ruby'), arguments: [] });
});

test('find puppet: the fingerprint changes with the program', async (t) => {
  const own = await withPuppet(t, '#!/usr/bin/ruby\n');
  const before = findPuppet({ PATH: own }, NOWHERE)?.fingerprint;
  assert.equal(findPuppet({ PATH: own }, NOWHERE)?.fingerprint, before);
  await writeFile(join(own, 'puppet'), '#!/usr/bin/ruby\n# newer\n');
  assert.notEqual(findPuppet({ PATH: own }, NOWHERE)?.fingerprint, before);
});

test('find puppet: undefined without one', async (t) => {
  const empty = await temporaryDirectory(t);
  await mkdir(join(empty, 'puppet'));
  assert.equal(findPuppet({ PATH: empty }, NOWHERE), undefined);
});
