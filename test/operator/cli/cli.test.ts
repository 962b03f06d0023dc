import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import {
  ErrorAnswer,
  InitAnswer,
  PublishAnswer,
  ReleasesAnswer,
} from '../../../operator/answers.ts';
import { DoctorAnswer } from '../../../operator/key-answers.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { builtProgram } from '../../support/built-program.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { BUCKET, initialized, type OperatorLab, openOperatorLab } from '../operator-lab.ts';

const [NODE = '', ...MM] = await builtProgram('mm');

async function mm({ repository, directory }: OperatorLab, ...args: string[]) {
  const child = spawn(NODE, [...MM, ...args], {
    cwd: repository,
    env: { ...process.env, HOME: join(directory, 'home') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [exitCode] = (await ended) as [number | null];
  return { stdout, stderr, exitCode };
}

test('cli: a person runs init, publish twice, releases and status', async (t) => {
  const lab = await openOperatorLab(t);
  await mkdir(join(lab.directory, 'home'));
  const init = ['init', '--bucket', BUCKET, '--tree', 'ubuntu', '--endpoint', lab.server.endpoint];
  const made = await mm(lab, ...init, '--json');
  assert.equal(made.exitCode, 0, made.stderr);
  const answer = InitAnswer.parse(JSON.parse(made.stdout));
  assert.equal(answer.treeId, `${BUCKET}/ubuntu`);
  assert.ok(answer.keys.operator.startsWith(join(lab.directory, 'home')));
  assert.match(await readFile(answer.configFile, 'utf8'), /^bucket: fleet$/m);

  const first = await mm(lab, 'publish', 'stable', '--json');
  assert.equal(first.exitCode, 0, first.stderr);
  assert.equal(PublishAnswer.parse(JSON.parse(first.stdout)).outcome, 'published');
  await lab.commit('manifests/site.pp', 'node default { notify { "a": } }\n');
  const second = await mm(lab, 'publish', 'stable');
  assert.deepEqual(
    [second.exitCode, second.stdout.split('\n')[0]],
    [0, 'published stable 0.1.1, before: 0.1.0'],
  );
  const listed = await mm(lab, 'releases', 'stable', '--json');
  const [stable] = ReleasesAnswer.parse(JSON.parse(listed.stdout)).environments;
  assert.deepEqual([stable?.current?.version, stable?.history.length], ['0.1.1', 1]);
  assert.equal((await mm(lab, 'status')).exitCode, 0);
});

test('cli: only the answer goes to stdout; exit code 0 is success, 1 failure, 2 wrong usage', async (t) => {
  const lab = await openOperatorLab(t);
  const version = await mm(lab, '--version');
  assert.deepEqual(version, { exitCode: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  const help = await mm(lab, 'publish', '--help');
  assert.deepEqual([help.exitCode, help.stderr], [0, '']);
  for (const args of [[], ['bogus'], ['publish', '--bogus'], ['releases', 'a', 'b']]) {
    const usage = await mm(lab, ...args);
    assert.deepEqual([usage.exitCode, usage.stdout], [2, ''], args.join(' '));
  }
  const failed = await mm(lab, 'releases');
  assert.deepEqual([failed.exitCode, failed.stdout], [1, '']);
  assert.match(failed.stderr, /^mm: .+\nnext: mm init .+\n$/);
  const json = await mm(lab, 'releases', '--json');
  assert.equal(json.exitCode, 1);
  assert.equal(ErrorAnswer.parse(JSON.parse(json.stdout)).error.code, 'CONFIG_MISSING');
});

test('cli: a signal in the middle of a commit leaves no file, no lock and a valid bucket', async (t) => {
  const lab = await initialized(t);
  const temporary = join(lab.directory, 'tmp');
  await mkdir(temporary);
  const key = 'ubuntu/manifests/metadata/timestamp.json';
  lab.server.faults.add({ kind: 'hang', match: { method: 'PUT', key }, times: 1 });
  const child = spawn(NODE, [...MM, 'publish', 'stable'], {
    cwd: lab.repository,
    env: { ...process.env, HOME: join(lab.directory, 'home'), TMPDIR: temporary },
    stdio: 'ignore',
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  await waitUntil(() =>
    lab.server.requests.some(
      (request) => request.method === 'PUT' && request.key === key && request.status === 0,
    ),
  );
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [143, null]);
  assert.deepEqual(await readdir(temporary), []);
  const state = join(lab.repository, '.miyamoto/ubuntu');
  assert.deepEqual((await readdir(state)).sort(), ['gates', 'trust']);
  const done = await lab.mm(['publish', 'stable', '--no-validate', '--json']);
  assert.equal(PublishAnswer.parse(done.json).release.version, '0.1.0');
});

test('cli: two publications at the same time on one machine wait for each other', async (t) => {
  const lab = await initialized(t);
  const both = ['stable', 'testing'].map((environment) =>
    lab.mm(['publish', environment, '--no-validate', '--json']),
  );
  for (const { exitCode, stderr, json } of await Promise.all(both)) {
    assert.equal(exitCode, 0, stderr);
    assert.equal(PublishAnswer.parse(json).attempts, 1);
  }
});

test('cli: a directory that mm cannot write is an error that names it, and the command to look at it', async (t) => {
  const lab = await initialized(t);
  await rm(join(lab.repository, '.miyamoto'), { recursive: true });
  await lab.write('.miyamoto', 'a file');
  const { exitCode, stderr } = await lab.mm(['releases']);
  assert.equal(exitCode, 1);
  assert.match(stderr, /^mm: .*\.miyamoto is a file.*\nnext: ls -ld .*\.miyamoto\n$/);
});

test('cli: two people with their own keys change the root to require both keys', async (t) => {
  const lab = await initialized(t);
  const bob = ['--keys', join(lab.directory, 'bob')];
  const run = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await mm(lab, ...args);
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  // Bob, on his machine:
  await run('key', 'new', 'bob', ...bob);
  await run('key', 'export', 'bob', '--out', 'bob.pub.json', ...bob);
  // Ann removes the safe key and requires two signatures from now on.
  const rotate = ['key', 'rotate', '--role', 'root', '--role', 'targets'];
  await run(
    ...rotate,
    '--add',
    'operator',
    '--add',
    'bob.pub.json',
    '--remove',
    'safe',
    '--threshold',
    '2',
    '--out',
    'p.json',
  );
  const early = await mm(lab, 'root', 'commit', 'p.json');
  assert.deepEqual([early.exitCode, early.stdout], [1, '']);
  // What the documents say comes first, whole.
  assert.match(
    early.stderr,
    /^signed in root:\n.*^mm: \S+: not enough keys have signed root \(1 missing\).*\nnext: mm root sign .*\n$/ms,
  );
  const signed = await run('root', 'sign', 'p.json', ...bob);
  assert.match(signed, /next: mm root commit/);
  await run('root', 'commit', 'p.json');
  assert.match(await run('key', 'list'), /^root +2 of 2 +operator, bob +364 days$/m);
  const doctor = await mm(lab, 'doctor', '--json');
  assert.equal(DoctorAnswer.parse(JSON.parse(doctor.stdout)).outcome, 'warning');
  const alone = await mm(lab, 'renew', 'root');
  assert.equal(alone.exitCode, 1);
  assert.match(alone.stderr, /next: run the same command with --out FILE/);
});
