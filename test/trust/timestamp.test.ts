import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { GetResult } from '../../bucket/bucket.ts';
import type { MetadataGetOptions, MetadataSource } from '../../trust/metadata/source.ts';
import { TufSimulator } from '../support/tuf/simulator.ts';
import { DAY_MS } from '../support/tuf/simulator-documents.ts';
import { SimulatedHost } from '../support/tuf/simulator-host.ts';

const YEAR_9999 = Date.UTC(9999, 11, 31);

for (const answer of ['200', '304'] as const) {
  test(`row 9: a Date of the year 9999 in a ${answer} does not outlive its answer`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.polled(repository);
    const before = await readRecord(host);
    if (answer === '200') repository.publish('stable', '1.1.0');
    repository.source.serverDate = YEAR_9999;
    for (let times = 0; times < 3; times += 1) {
      await assert.rejects(host.refresh(), { code: 'METADATA_EXPIRED' });
    }
    const after = await readRecord(host);
    assert.ok(Number(after['clockFloor']) <= host.now + DAY_MS);
    assert.ok(Number(after['askedForRootAt']) <= host.now + DAY_MS);
    assert.equal(after['rootVersion'], before['rootVersion']);
    for (const honest of [host.now, undefined]) {
      repository.source.serverDate = honest;
      assert.equal(await host.stableVersion(), answer === '200' ? '1.1.0' : '1.0.0');
    }
    assert.deepEqual((await host.readTrusted())?.expired, []);
  });
}

test('row 9: a host that an older agent left with the year 9999 recovers and keeps its root', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.rotated(repository);
  const { clockFloor: _, ...record } = await readRecord(host);
  const older = JSON.stringify({ ...record, serverDate: YEAR_9999 });
  await writeFile(join(host.directory, 'record.json'), older);
  repository.publish('stable', '1.1.0');
  assert.equal(await host.stableVersion(), '1.1.0');
  assert.equal((await readRecord(host))['rootVersion'], 3);
});

test('row 9: the time from S3 still counts when the clock is set back', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  host.now += 10 * DAY_MS;
  repository.source.serverDate = host.now;
  await host.refresh();
  repository.source.serverDate = undefined;
  host.now -= 10 * DAY_MS;
  assert.equal((await readRecord(host))['clockFloor'], host.now + 10 * DAY_MS);
});

const MALFORMED = [
  '*',
  '"*"',
  'W/"abc"',
  'abc',
  '"abc',
  'a"b"c',
  '""',
  `"${'a'.repeat(200)}"`,
  '"a b"',
];
for (const etag of MALFORMED) {
  test(`row 10: the ETag ${etag.slice(0, 20)} is neither sent nor returned`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.polled(repository);
    const store = new OddStore(repository, etag);
    const first = await host.refresh({ source: store, etag: undefined });
    assert.equal(first.etag, undefined);
    // As an older agent stored it.
    await host.refresh({ source: store, etag });
    assert.deepEqual(store.conditions, [undefined, undefined]);
    repository.publish('stable', '1.1.0');
    const { trusted } = await host.refresh({ source: store, etag });
    assert.equal(trusted.environments.get('stable')?.current?.custom.version, '1.1.0');
  });
}

test('row 10: a store that answers every condition with 304 freezes a host for a day at most', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  const store = new OddStore(repository, '"always"');
  await host.refresh({ source: store });
  repository.publish('stable', '1.1.0');
  assert.equal(await versionFrom(host, store), '1.0.0');
  host.now += DAY_MS;
  assert.equal(await versionFrom(host, store), '1.1.0');
});

test('row 10: expired metadata is requested without a condition', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  const store = new OddStore(repository, '"always"');
  host.now += 13.5 * DAY_MS;
  await host.refresh({ source: store });
  repository.now = host.now;
  repository.publish('stable', '1.1.0');
  assert.equal(await versionFrom(host, store), '1.0.0');
  // The last root was asked for less than a day ago.
  host.now += 0.75 * DAY_MS;
  assert.equal(await versionFrom(host, store), '1.1.0');
});

test('row 10: the same answer without a condition is an idle poll of one request', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  host.now += 15 * DAY_MS;
  await assert.rejects(host.refresh(), { code: 'METADATA_EXPIRED' });
  repository.source.drainRequests();
  repository.source.requests.length = 0;
  await assert.rejects(host.refresh(), { code: 'METADATA_EXPIRED' });
  assert.deepEqual(repository.source.requests, [{ file: 'timestamp.json', answer: 'object' }]);
});

/** Gives every object this ETag, and answers 304 whenever there is a condition. */
class OddStore implements MetadataSource {
  readonly conditions: (string | undefined)[] = [];
  readonly #repository: TufSimulator;
  readonly #etag: string;

  constructor(repository: TufSimulator, etag: string) {
    this.#repository = repository;
    this.#etag = etag;
  }

  async get(file: string, options: MetadataGetOptions): Promise<GetResult> {
    const { ifNoneMatch, ...rest } = options;
    if (file === 'timestamp.json') this.conditions.push(ifNoneMatch);
    if (ifNoneMatch !== undefined) return { kind: 'not-modified', serverDate: undefined };
    const answer = await this.#repository.source.get(file, rest);
    return answer.kind === 'object' ? { ...answer, etag: this.#etag } : answer;
  }
}

async function versionFrom(
  host: SimulatedHost,
  source: MetadataSource,
): Promise<string | undefined> {
  const { trusted } = await host.refresh({ source });
  return trusted.environments.get('stable')?.current?.custom.version;
}

async function readRecord(host: SimulatedHost): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(host.directory, 'record.json'), 'utf8'));
}
