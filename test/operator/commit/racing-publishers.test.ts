import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bucketSource } from '../../../trust/metadata/source.ts';
import { refresh } from '../../../trust/reader.ts';
import { IS_SOAK } from '../../support/soak.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { type Publisher, sharedTree } from './shared-tree.ts';

const PUBLISHERS = 3;
/** Each publisher's. */
const PUBLICATIONS = IS_SOAK ? 10 : 5;

interface Link {
  readonly previous: string | undefined;
  readonly release: string;
}

test(`I6: ${PUBLISHERS} racing publishers lose none of ${PUBLICATIONS} publications each`, async (t) => {
  const tree = await sharedTree(t);
  const publishers = await Promise.all(Array.from({ length: PUBLISHERS }, () => tree.publisher()));
  const links: Record<string, Link[]> = { stable: [], testing: [] };
  let attempts = 0;
  const publishAll = async (publisher: Publisher, index: number) => {
    for (let n = 0; n < PUBLICATIONS; n++) {
      const environment = (n + index) % 2 === 0 ? 'stable' : 'testing';
      const done = await publisher.publish(environment);
      assert.equal(done.kind, 'committed');
      attempts += done.attempts;
      const { previous, release } = done.answer;
      links[environment]?.push({ previous: previous?.sha256, release: release.sha256 });
    }
  };
  const stop = new AbortController();
  const hosts = poll(await temporaryDirectory(t), await tree.publisher(), stop.signal);
  await Promise.all(publishers.map(publishAll)).finally(() => stop.abort());
  t.diagnostic(`${attempts} attempts, ${await hosts} polls meanwhile`);

  const { repository } = await tree.publisher();
  const verified = await repository.read();
  for (const [environment, published] of Object.entries(links)) {
    // Each was signed on top of another one, and no two on top of the same: a chain from nothing to
    // what is offered.
    const after = new Map(published.map(({ previous, release }) => [previous, release]));
    let at: string | undefined;
    let length = 0;
    for (let next = after.get(undefined); next !== undefined; next = after.get(at)) {
      at = next;
      length++;
    }
    assert.equal(length, published.length);
    assert.equal(verified.environments.get(environment)?.current?.sha256, at);
  }
  assert.equal(
    Object.values(links).reduce((sum, published) => sum + published.length, 0),
    PUBLISHERS * PUBLICATIONS,
  );
  assert.equal(verified.timestampVersion, 1 + PUBLISHERS * PUBLICATIONS);
  assert.ok(attempts > PUBLISHERS * PUBLICATIONS, 'nobody ever lost a race: they did not race');
});

/**
 * Hosts that poll all the time must never see anything but a good state. Resolves to how many polls
 * there were.
 */
async function poll(directory: string, { options }: Publisher, stop: AbortSignal): Promise<number> {
  const kept = await mkdtemp(join(directory, 'host-'));
  let polls = 0;
  while (!stop.aborted) {
    const fresh = await mkdtemp(join(directory, 'fresh-'));
    for (const trustDirectory of [kept, fresh]) {
      await refresh({
        directory: trustDirectory,
        packagedRoot: options.root,
        environments: ['stable', 'testing'],
        clock: { now: () => Date.now() },
        source: bucketSource(options.bucket, options.tree),
        etag: undefined,
      });
      polls++;
    }
  }
  return polls;
}
