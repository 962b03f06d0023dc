import assert from 'node:assert/strict';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DoctorAnswer } from '../../../operator/answers.ts';
import { changed, codeOf, fileNames, hostOf, keysOf } from '../ceremony.ts';
import { putBack, snapshotOf } from '../commit/shared-tree.ts';
import { initialized, type Workshop } from '../workshop.ts';

const DAY_MS = 86_400_000;
const PUBLISH = ['publish', 'stable', '--no-validate'];
const after = (days: number) => ({ now: () => Date.now() + days * DAY_MS });

/** Days since everything was signed, and what is signed anew then. */
const LAPTOP: readonly (readonly [number, readonly string[]])[] = [
  [0, []],
  [34, []],
  [36, ['timestamp.json']],
  [61, ['timestamp.json']],
  [
    136,
    [
      '2.env-dev.json',
      '2.env-stable.json',
      '2.env-testing.json',
      '2.snapshot.json',
      'timestamp.json',
    ],
  ],
  [
    250,
    [
      '2.targets.json',
      ...['2.env-dev.json', '2.env-stable.json', '2.env-testing.json', '2.snapshot.json'],
      ...['2.root.json', 'timestamp.json'],
    ],
  ],
];

for (const [days, files] of LAPTOP) {
  test(`renew: ${days} days later it signs ${files.length} files anew`, async (t) => {
    const workshop = await initialized(t);
    const before = workshop.metadata('timestamp.json').signed.meta;
    const noop = await changed(workshop, ['renew', '--noop'], after(days));
    const answer = await changed(workshop, ['renew'], after(days));
    assert.deepEqual(fileNames(answer.objects).toSorted(), files.toSorted());
    assert.deepEqual(fileNames(noop.objects), fileNames(answer.objects));
    assert.equal(answer.outcome, files.length === 0 ? 'unchanged' : 'committed');
    if (files.length === 1) {
      assert.deepEqual(workshop.metadata('timestamp.json').signed.meta, before);
    }
    assert.equal((await changed(workshop, ['renew'], after(days))).outcome, 'unchanged');
    const host = await hostOf(t, workshop, 'fresh', after(days).now);
    await host.poll();
  });
}

test('renew: in CI mode timestamps hold 14 days, and are renewed below 10', async (t) => {
  const workshop = await initialized(t);
  const path = join(workshop.repository, 'miyamoto.yaml');
  await writeFile(path, `${await readFile(path, 'utf8')}signing: ci\n`);
  await changed(workshop, ['renew', 'online']);
  const { expires } = workshop.metadata('timestamp.json').signed;
  assert.equal(Math.round((Date.parse(expires) - Date.now()) / DAY_MS), 14);
  assert.equal((await changed(workshop, ['renew'], after(3.9))).outcome, 'unchanged');
  assert.equal((await changed(workshop, ['renew'], after(4.1))).outcome, 'committed');
});

/** What CI has: the online key alone. */
async function withOnlineKeyAlone(workshop: Workshop): Promise<readonly string[]> {
  await changed(workshop, ['key', 'new', 'ci', '--json']).catch(() => undefined);
  await changed(workshop, [
    'key',
    'rotate',
    '--role',
    'online',
    '--add',
    'ci',
    '--remove',
    'operator',
  ]);
  const directory = join(workshop.directory, 'ci/acme/ubuntu');
  await mkdir(directory, { recursive: true });
  await rename(join(keysOf(workshop), 'ci.json'), join(directory, 'ci.json'));
  return ['--keys', join(workshop.directory, 'ci')];
}

test('renew: CI renews what its key may sign, says what it may not, and ends well', async (t) => {
  const workshop = await initialized(t);
  const keys = await withOnlineKeyAlone(workshop);
  const { exitCode, stderr } = await workshop.mm(['renew', ...keys], after(140));
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /env-stable expires at .* mm renew/);
  assert.equal(workshop.metadata('timestamp.json').signed.version, 4);
  assert.equal(await codeOf(workshop, ['renew', 'stable', ...keys], after(140)), 'KEY_MISSING');
  const nothing = ['--keys', join(workshop.directory, 'none')];
  assert.equal(await codeOf(workshop, ['renew', ...nothing], after(190)), 'KEY_MISSING');
});

test('I14: renew refuses a bucket that was put back, and one that it has never seen', async (t) => {
  const workshop = await initialized(t);
  const older = snapshotOf(workshop.server);
  await workshop.mm(PUBLISH);
  const newest = snapshotOf(workshop.server);
  putBack(workshop.server, older);
  assert.equal(await codeOf(workshop, ['renew'], after(40)), 'METADATA_ROLLBACK');
  await rm(join(workshop.repository, '.miyamoto'), { recursive: true });
  assert.equal(await codeOf(workshop, ['renew'], after(40)), 'STATE_MISSING');
  assert.deepEqual(snapshotOf(workshop.server), older);
  putBack(workshop.server, newest);
  const args = ['renew', '--trust-bucket'];
  assert.equal((await changed(workshop, args, after(40))).outcome, 'committed');
  // From here on it knows.
  putBack(workshop.server, newest);
  assert.equal(await codeOf(workshop, ['renew'], after(40)), 'METADATA_ROLLBACK');
});

async function examined(workshop: Workshop, days: number, ...args: string[]) {
  const { exitCode, json, stderr } = await workshop.mm(['doctor', '--json', ...args], after(days));
  const answer = DoctorAnswer.parse(json, { error: () => stderr });
  const found = answer.checks.filter(({ outcome }) => outcome !== 'ok');
  return { exitCode, answer, found: found.map(({ name, outcome }) => `${outcome} ${name}`) };
}

test('doctor: a new tree is well but for keys without a passphrase', async (t) => {
  const workshop = await initialized(t);
  const { exitCode, answer, found } = await examined(workshop, 0);
  assert.deepEqual([exitCode, answer.outcome], [0, 'warning']);
  assert.deepEqual(found, ['warning key operator', 'warning key safe']);
  assert.equal(answer.roles?.find(({ role }) => role === 'timestamp')?.days, 59);
  assert.deepEqual(
    answer.keys?.map(({ name }) => name),
    ['operator', 'safe'],
  );
});

const SOON: readonly (readonly [number, readonly string[]])[] = [
  [34, []],
  [36, ['timestamp']],
  [136, ['timestamp', 'env-stable', 'env-testing', 'env-dev']],
  [246, ['root', 'targets', 'timestamp', 'env-stable', 'env-testing', 'env-dev']],
];

for (const [days, roles] of SOON) {
  test(`doctor: ${days} days later ${roles.join(', ') || 'nothing'} is about to lapse`, async (t) => {
    const workshop = await initialized(t);
    const { exitCode, answer } = await examined(workshop, days);
    const failed = answer.checks
      .filter(({ name, outcome }) => outcome === 'failed' && name.startsWith('expiry of '))
      .map(({ name }) => name.slice('expiry of '.length));
    assert.deepEqual(failed.toSorted(), roles.toSorted());
    assert.equal(exitCode, roles.length === 0 ? 0 : 1);
  });
}

const WRONG: Readonly<
  Record<string, { readonly check: string; spoil(workshop: Workshop): Promise<unknown> }>
> = {
  'a bucket that was put back': {
    check: 'kept state',
    async spoil(workshop) {
      const older = snapshotOf(workshop.server);
      await workshop.mm(PUBLISH);
      putBack(workshop.server, older);
    },
  },
  'a tampered timestamp': {
    check: 'a host installed today',
    async spoil({ server }) {
      const key = 'ubuntu/manifests/metadata/timestamp.json';
      const text = String(server.get('fleet', key)).replace('"version":1', '"version":2');
      server.put('fleet', key, text);
    },
  },
  'a root that was deleted': {
    check: 'root chain',
    async spoil(workshop) {
      await changed(workshop, ['renew', 'root']);
      workshop.server.delete('fleet', 'ubuntu/manifests/metadata/1.root.json');
    },
  },
  'a key file that others may read': {
    check: 'signing keys',
    async spoil(workshop) {
      const path = join(keysOf(workshop), 'safe.json');
      await writeFile(`${path}.x`, await readFile(path), { mode: 0o644 });
      await rename(`${path}.x`, path);
    },
  },
  'a trust root that is gone': {
    check: 'trust root',
    spoil: ({ repository }) => rm(join(repository, 'ubuntu.root.json')),
  },
  'a key that another tree has as well': {
    check: 'keys of other trees',
    async spoil(workshop) {
      const path = join(workshop.repository, 'miyamoto.yaml');
      const other = '  osx:\n    id: acme/osx\n    environments: {stable: {ref: main}}\n';
      await writeFile(path, (await readFile(path, 'utf8')) + other);
      const osx = join(keysOf(workshop), '../osx');
      await mkdir(osx);
      await writeFile(
        join(osx, 'operator.json'),
        await readFile(join(keysOf(workshop), 'operator.json')),
        {
          mode: 0o600,
        },
      );
    },
  },
};

for (const [name, { check, spoil }] of Object.entries(WRONG)) {
  test(`doctor: ${name} is found, and the exit code is 1`, async (t) => {
    const workshop = await initialized(t);
    await spoil(workshop);
    const { exitCode, found } = await examined(workshop, 0, '--tree', 'ubuntu');
    assert.equal(exitCode, 1);
    assert.ok(found.includes(`failed ${check}`), found.join('; '));
  });
}
