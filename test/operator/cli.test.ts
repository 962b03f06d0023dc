import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { ErrorAnswer, InitAnswer, PublishAnswer, ReleasesAnswer } from '../../operator/answers.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { BUCKET, openWorkshop, type Workshop } from './workshop.ts';

const MAIN = join(import.meta.dirname, '../../operator/main.ts');

async function mm({ repository, directory }: Workshop, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: repository,
    env: { ...process.env, HOME: join(directory, 'home') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [exitCode] = (await ended) as [number | null];
  return { stdout, stderr, exitCode };
}

test('cli: init, publish, publish again, releases, status as a person runs them', async (t) => {
  const workshop = await openWorkshop(t);
  await mkdir(join(workshop.directory, 'home'));
  const init = [
    'init',
    '--bucket',
    BUCKET,
    '--tree',
    'ubuntu',
    '--endpoint',
    workshop.server.endpoint,
  ];
  const made = await mm(workshop, ...init, '--json');
  assert.equal(made.exitCode, 0, made.stderr);
  const answer = InitAnswer.parse(JSON.parse(made.stdout));
  assert.equal(answer.treeId, `${BUCKET}/ubuntu`);
  assert.ok(answer.keys.operator.startsWith(join(workshop.directory, 'home')));
  assert.match(await readFile(answer.configFile, 'utf8'), /^bucket: fleet$/m);

  const first = await mm(workshop, 'publish', 'stable', '--json');
  assert.equal(first.exitCode, 0, first.stderr);
  assert.equal(PublishAnswer.parse(JSON.parse(first.stdout)).outcome, 'published');
  await workshop.commit('manifests/site.pp', 'node default { notify { "a": } }\n');
  const second = await mm(workshop, 'publish', 'stable');
  assert.deepEqual(
    [second.exitCode, second.stdout.split('\n')[0]],
    [0, 'published stable 0.1.1, before: 0.1.0'],
  );
  const listed = await mm(workshop, 'releases', 'stable', '--json');
  const [stable] = ReleasesAnswer.parse(JSON.parse(listed.stdout)).environments;
  assert.deepEqual([stable?.current?.version, stable?.history.length], ['0.1.1', 1]);
  assert.equal((await mm(workshop, 'status')).exitCode, 0);
});

test('cli: the answer on stdout, all else on stderr; exit 0 done, 1 failed, 2 usage', async (t) => {
  const workshop = await openWorkshop(t);
  const version = await mm(workshop, '--version');
  assert.deepEqual(version, { exitCode: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  const help = await mm(workshop, 'publish', '--help');
  assert.deepEqual([help.exitCode, help.stderr], [0, '']);
  for (const args of [[], ['bogus'], ['publish', '--bogus'], ['releases', 'a', 'b']]) {
    const usage = await mm(workshop, ...args);
    assert.deepEqual([usage.exitCode, usage.stdout], [2, ''], args.join(' '));
  }
  const failed = await mm(workshop, 'releases');
  assert.deepEqual([failed.exitCode, failed.stdout], [1, '']);
  assert.match(failed.stderr, /^mm: .+\nnext: mm init .+\n$/);
  const json = await mm(workshop, 'releases', '--json');
  assert.equal(json.exitCode, 1);
  assert.equal(ErrorAnswer.parse(JSON.parse(json.stdout)).error.code, 'CONFIG_MISSING');
});
