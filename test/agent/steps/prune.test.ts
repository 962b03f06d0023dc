import assert from 'node:assert/strict';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type HostPaths, hostPaths, releasePaths } from '../../../agent/paths.ts';
import { activate } from '../../../agent/steps/activate.ts';
import { type PruneOptions, prune } from '../../../agent/steps/prune.ts';
import { names, temporaryDirectory } from '../../support/temporary-directory.ts';

/** Short names for digests; '1' was unpacked first. */
const digest = (short: string): string => short.repeat(64);

interface Case {
  readonly releases: string;
  readonly active?: Record<string, string>;
  readonly lastGood?: string;
  readonly keep: number;
  /** The releases that are there afterwards. */
  readonly want: string;
}

const cases: Record<string, Case> = {
  'fewer than keep': { releases: '12', keep: 3, want: '12' },
  'the oldest go': { releases: '12345', active: { stable: '5' }, keep: 3, want: '345' },
  'the active one stays, however old': {
    releases: '12345',
    active: { stable: '1' },
    keep: 3,
    want: '145',
  },
  'the last good one stays, however old': {
    releases: '12345',
    active: { stable: '5' },
    lastGood: '2',
    keep: 3,
    want: '245',
  },
  'the active ones of all environments stay, more than keep': {
    releases: '12345',
    active: { stable: '1', testing: '2', next: '3' },
    keep: 2,
    want: '123',
  },
  'active and last good are one': {
    releases: '1234',
    active: { stable: '1' },
    lastGood: '1',
    keep: 2,
    want: '14',
  },
  'active and last good stay though keep is smaller': {
    releases: '123',
    active: { stable: '1' },
    lastGood: '2',
    keep: 1,
    want: '12',
  },
  'a missing last good one does not count': {
    releases: '123',
    active: { stable: '3' },
    lastGood: '9',
    keep: 2,
    want: '23',
  },
  'nothing is active yet': { releases: '123', keep: 2, want: '23' },
};

const FOLLOWED = { environments: ['stable'], keepRuns: 20, now: Date.now() };

for (const [name, { releases, active = {}, lastGood, keep, want }] of Object.entries(cases)) {
  test(`prune: ${name}`, async (t) => {
    const paths = await hostWith(t, [...releases]);
    for (const [environment, short] of Object.entries(active)) {
      activate(paths, { environment, sha256: digest(short) });
    }
    await age(paths, [...releases]);
    const good = lastGood === undefined ? undefined : digest(lastGood);
    const options = { keep, lastGood: good, ...FOLLOWED };
    const removed = prune(paths, options);
    assert.deepEqual(await names(paths.releases), [...want].map(digest));
    const gone = [...releases].filter((short) => !want.includes(short)).map(digest);
    assert.deepEqual([...removed].sort(), gone);
  });
}

async function hostWith(t: TestContext, releases: readonly string[]): Promise<HostPaths> {
  const paths = hostPaths({ platform: 'linux', root: await temporaryDirectory(t) });
  for (const short of releases) {
    const { tree } = releasePaths(paths, digest(short));
    await mkdir(join(tree, 'modules'), { recursive: true });
    await writeFile(join(tree, 'modules', 'x.pp'), '');
  }
  return paths;
}

/** Sets the times as if the releases had been unpacked in this order. */
async function age(paths: HostPaths, releases: readonly string[]): Promise<void> {
  for (const [index, short] of releases.entries()) {
    await utimes(releasePaths(paths, digest(short)).directory, 1e9 + index, 1e9 + index);
  }
}

const none: PruneOptions = { keep: 3, lastGood: undefined, ...FOLLOWED };

test('prune: on a fresh host there is nothing to do', async (t) => {
  const paths = hostPaths({ platform: 'linux', root: await temporaryDirectory(t) });
  assert.deepEqual(prune(paths, none), []);
});

test('prune: the leftovers of crashes are removed', async (t) => {
  const paths = await hostWith(t, ['1']);
  for (const name of [`${digest('2')}.partial/tree`, `${digest('3')}.deleting/tree`]) {
    await mkdir(join(paths.releases, name), { recursive: true });
  }
  prune(paths, none);
  assert.deepEqual(await names(paths.releases), [digest('1')]);
});

test('prune: downloads are removed, except the newest one that is not unpacked yet', async (t) => {
  const paths = await hostWith(t, ['1']);
  await mkdir(paths.blobs);
  const blobs = [
    `${digest('1')}.tar.gz`,
    `${digest('2')}.tar.gz`,
    `${digest('3')}.tar.gz`,
    `${digest('4')}.unverified`,
  ];
  for (const [index, name] of blobs.entries()) {
    await writeFile(join(paths.blobs, name), '');
    await utimes(join(paths.blobs, name), 1e9 + index, 1e9 + index);
  }
  prune(paths, none);
  assert.deepEqual(await names(paths.blobs), [`${digest('3')}.tar.gz`]);
});

test('prune: the last five runs stay', async (t) => {
  const paths = await hostWith(t, []);
  for (let run = 1; run <= 8; run++) {
    const file = join(paths.runs, `run${run}`, 'report.json');
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, '');
    await utimes(dirname(file), 1e9 + run, 1e9 + run);
  }
  prune(paths, none);
  assert.deepEqual(await names(paths.runs), ['run4', 'run5', 'run6', 'run7', 'run8']);
});

test('prune: of the history the last runs stay, and nothing else', async (t) => {
  const paths = hostPaths({ platform: 'linux', root: await temporaryDirectory(t) });
  await mkdir(paths.history, { recursive: true });
  for (const run of ['a', 'b', 'c']) {
    for (const name of [`${run}.json`, `${run}.log.gz`]) {
      await writeFile(join(paths.history, name), '');
      await utimes(join(paths.history, name), 1e9 + run.charCodeAt(0), 1e9 + run.charCodeAt(0));
    }
  }
  await writeFile(join(paths.history, 'z.log.gz'), 'of an entry that was never written');
  prune(paths, { ...none, keepRuns: 2 });
  assert.deepEqual(await names(paths.history), ['b.json', 'b.log.gz', 'c.json', 'c.log.gz']);
  prune(paths, { ...none, keepRuns: 0 });
  assert.deepEqual(await names(paths.history), []);
});

test('prune: when the links cannot be read, nothing is removed', async (t) => {
  const paths = await hostWith(t, ['1', '2', '3', '4']);
  await writeFile(paths.environments, 'a file where a directory should be');
  assert.throws(() => prune(paths, { keep: 1, lastGood: undefined, ...FOLLOWED }));
  assert.equal((await names(paths.releases)).length, 4);
});

test('prune: an environment that was tried by hand does not keep its release forever', async (t) => {
  const paths = await hostWith(t, ['1', '2']);
  activate(paths, { environment: 'stable', sha256: digest('1') });
  activate(paths, { environment: 'tried', sha256: digest('2') });
  const options = { keep: 1, lastGood: undefined, environments: ['stable'], keepRuns: 20 };
  assert.deepEqual(prune(paths, { ...options, now: Date.now() }), []);
  const later = Date.now() + 8 * 86_400_000;
  assert.deepEqual(prune(paths, { ...options, now: later }), [digest('2')]);
  assert.deepEqual(await names(paths.environments), ['stable']);
});
