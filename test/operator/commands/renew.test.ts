import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DoctorAnswer } from '../../../operator/key-answers.ts';
import { changed, codeOf, fileNames, hostOf, keysOf } from '../key-commands.ts';
import { initialized, type OperatorLab, putBack, snapshotOf } from '../operator-lab.ts';

const DAY_MS = 86_400_000;
const PUBLISH = ['publish', 'stable', '--no-validate'];
const after = (days: number) => ({ now: () => Date.now() + days * DAY_MS });

/** Days since everything was signed, and what is signed again then. */
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
  test(`renew: ${days} days later it signs ${files.length} files again`, async (t) => {
    const lab = await initialized(t);
    const before = lab.metadata('timestamp.json').signed.meta;
    const noop = await changed(lab, ['renew', '--noop'], after(days));
    const answer = await changed(lab, ['renew'], after(days));
    assert.deepEqual(fileNames(answer.objects).toSorted(), files.toSorted());
    assert.deepEqual(fileNames(noop.objects), fileNames(answer.objects));
    assert.equal(answer.outcome, files.length === 0 ? 'unchanged' : 'committed');
    if (files.length === 1) {
      assert.deepEqual(lab.metadata('timestamp.json').signed.meta, before);
    }
    assert.equal((await changed(lab, ['renew'], after(days))).outcome, 'unchanged');
    const host = await hostOf(t, lab, 'fresh', after(days).now);
    await host.poll();
  });
}

test('renew: in CI mode timestamps hold 14 days, and are renewed below 10', async (t) => {
  const lab = await initialized(t);
  const path = join(lab.repository, 'miyamoto.yaml');
  await writeFile(path, `${await readFile(path, 'utf8')}signing: ci\n`);
  await changed(lab, ['renew', 'online']);
  const { expires } = lab.metadata('timestamp.json').signed;
  assert.equal(Math.round((Date.parse(expires) - Date.now()) / DAY_MS), 14);
  assert.equal((await changed(lab, ['renew'], after(3.9))).outcome, 'unchanged');
  assert.equal((await changed(lab, ['renew'], after(4.1))).outcome, 'committed');
});

/** What CI has: the online key alone. */
async function withOnlineKeyAlone(lab: OperatorLab): Promise<readonly string[]> {
  await changed(lab, ['key', 'new', 'ci', '--json']).catch(() => undefined);
  await changed(lab, ['key', 'rotate', '--role', 'online', '--add', 'ci', '--remove', 'operator']);
  const directory = join(lab.directory, 'ci/acme/ubuntu');
  await mkdir(directory, { recursive: true });
  await rename(join(keysOf(lab), 'ci.json'), join(directory, 'ci.json'));
  return ['--keys', join(lab.directory, 'ci')];
}

test('renew: CI renews what its key may sign, says what it may not, and ends well', async (t) => {
  const lab = await initialized(t);
  const keys = await withOnlineKeyAlone(lab);
  const { exitCode, stderr } = await lab.mm(['renew', ...keys], after(140));
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /^stable expires at .* mm renew stable$/m);
  assert.equal(lab.metadata('timestamp.json').signed.version, 4);
  assert.equal(await codeOf(lab, ['renew', 'stable', ...keys], after(140)), 'KEY_MISSING');
  const nothing = ['--keys', join(lab.directory, 'none')];
  assert.equal(await codeOf(lab, ['renew', ...nothing], after(190)), 'KEY_MISSING');
});

test('I14: renew refuses a bucket that was put back, and one that it has never seen', async (t) => {
  const lab = await initialized(t);
  const older = snapshotOf(lab.server);
  await lab.mm(PUBLISH);
  const newest = snapshotOf(lab.server);
  putBack(lab.server, older);
  assert.equal(await codeOf(lab, ['renew'], after(40)), 'METADATA_ROLLBACK');
  await rm(join(lab.repository, '.miyamoto'), { recursive: true });
  assert.equal(await codeOf(lab, ['renew'], after(40)), 'STATE_MISSING');
  assert.deepEqual(snapshotOf(lab.server), older);
  putBack(lab.server, newest);
  const args = ['renew', '--trust-bucket'];
  assert.equal((await changed(lab, args, after(40))).outcome, 'committed');
  // From here on it knows.
  putBack(lab.server, newest);
  assert.equal(await codeOf(lab, ['renew'], after(40)), 'METADATA_ROLLBACK');
});

async function examined(lab: OperatorLab, days: number, ...args: string[]) {
  const { exitCode, json, stderr } = await lab.mm(['doctor', '--json', ...args], after(days));
  const answer = DoctorAnswer.parse(json, { error: () => stderr });
  const found = answer.checks.filter(({ outcome }) => outcome !== 'ok');
  return { exitCode, answer, found: found.map(({ name, outcome }) => `${outcome} ${name}`) };
}

test('doctor: a new tree is well but for keys without a passphrase', async (t) => {
  const lab = await initialized(t);
  const { exitCode, answer, found } = await examined(lab, 0);
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
    const lab = await initialized(t);
    const { exitCode, answer } = await examined(lab, days);
    const failed = answer.checks
      .filter(({ name, outcome }) => outcome === 'failed' && name.startsWith('expiry of '))
      .map(({ name }) => name.slice('expiry of '.length));
    assert.deepEqual(failed.toSorted(), roles.toSorted());
    assert.equal(exitCode, roles.length === 0 ? 0 : 1);
  });
}

const WRONG: Readonly<
  Record<string, { readonly check: string; spoil(lab: OperatorLab): Promise<unknown> }>
> = {
  'a bucket that was put back': {
    check: 'kept state',
    async spoil(lab) {
      const older = snapshotOf(lab.server);
      await lab.mm(PUBLISH);
      putBack(lab.server, older);
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
    async spoil(lab) {
      await changed(lab, ['renew', 'root']);
      lab.server.delete('fleet', 'ubuntu/manifests/metadata/1.root.json');
    },
  },
  'a key file that others may read': {
    check: 'signing keys',
    async spoil(lab) {
      const path = join(keysOf(lab), 'safe.json');
      await writeFile(`${path}.x`, await readFile(path));
      await chmod(`${path}.x`, 0o644);
      await rename(`${path}.x`, path);
    },
  },
  'a trust root that is gone': {
    check: 'trust root',
    spoil: ({ repository }) => rm(join(repository, 'ubuntu.root.json')),
  },
  'a key that another tree has as well': {
    check: 'keys of other trees',
    async spoil(lab) {
      const path = join(lab.repository, 'miyamoto.yaml');
      const other = '  osx:\n    id: acme/osx\n    environments: {stable: {ref: main}}\n';
      await writeFile(path, (await readFile(path, 'utf8')) + other);
      const osx = join(keysOf(lab), '../osx');
      await mkdir(osx);
      await writeFile(
        join(osx, 'operator.json'),
        await readFile(join(keysOf(lab), 'operator.json')),
        {
          mode: 0o600,
        },
      );
    },
  },
};

for (const [name, { check, spoil }] of Object.entries(WRONG)) {
  test(`doctor: ${name} is found, and the exit code is 1`, async (t) => {
    const lab = await initialized(t);
    await spoil(lab);
    const { exitCode, found } = await examined(lab, 0, '--tree', 'ubuntu');
    assert.equal(exitCode, 1);
    assert.ok(found.includes(`failed ${check}`), found.join('; '));
  });
}
