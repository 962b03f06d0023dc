import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { changed, codeOf, hostOf, newKey } from '../../key-commands.ts';
import { ciLab, RECOVER, Thief } from './theft.ts';

/*
 * A thief of the online key signs a snapshot with 11,000 entries that do not exist. No command may
 * ask the bucket for each, nor take minutes, and new online keys leave all of them behind.
 */

const PUBLISH = ['publish', 'stable', '--no-validate', '--force', '--version', '2.0.0'];
const ENTRIES = 11_000;
const MOST_REQUESTS = 60;

async function scene(t: TestContext, nameLength: number) {
  const lab = await ciLab(t);
  await newKey(lab, 'online2');
  const host = await hostOf(t, lab, 'host');
  await host.poll(['stable', 'testing']);
  const names = Array.from({ length: ENTRIES }, (_, at) => `env-${pad(at, nameLength)}`);
  await new Thief(lab).signOnline(Object.fromEntries(names.map((name) => [name, 7])));
  await host.poll(['stable', 'testing']);
  const counted = async <T>(work: Promise<T>): Promise<T> => {
    lab.server.requests.length = 0;
    const result = await work;
    assert.ok(lab.server.requests.length < MOST_REQUESTS, `${lab.server.requests.length} requests`);
    return result;
  };
  const entries = () => {
    const { version } = lab.metadata('timestamp.json').signed.meta['snapshot.json'];
    return Object.keys(lab.metadata(`${version}.snapshot.json`).signed.meta).length;
  };
  const run = async (args: readonly string[]) => {
    const { exitCode, stderr } = await counted(lab.mm([...args]));
    assert.equal(exitCode, 0, `${args.join(' ')}: ${stderr.slice(0, 1000)}`);
  };
  return { lab, host, counted, entries, run };
}

const pad = (at: number, length: number) => String(at).padStart(length, '0');

test('row 4: a snapshot with 11,000 invented entries is carried on, until the key is revoked', async (t) => {
  const { lab, host, counted, entries, run } = await scene(t, 5);
  await run(['key', 'list']);
  await run(['doctor']);
  await run(['renew', 'online']);
  await run(PUBLISH);
  assert.ok(entries() > ENTRIES);
  await counted(changed(lab, ['key', 'revoke', 'online1', '--replace-by', 'online2']));
  assert.ok(entries() < 10);
  const { trusted } = await host.poll(['stable', 'testing']);
  assert.equal(trusted.environments.get('stable')?.current?.custom.version, '2.0.0');
});

test('row 4: a snapshot that invented entries fill is left behind by new online keys', async (t) => {
  const { lab, host, counted, entries, run } = await scene(t, 40);
  await run(['key', 'list']);
  await run(['doctor']);
  for (const refused of [['renew', 'online'], PUBLISH]) {
    assert.equal(await counted(codeOf(lab, refused)), 'METADATA_INVALID');
  }
  await counted(changed(lab, RECOVER));
  assert.ok(entries() < 10);
  await run(PUBLISH);
  await host.poll(['stable', 'testing']);
});
