import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { canonicalize } from '@tufjs/canonical-json';
import { metadataKey } from '../../../../bucket/layout.ts';
import { fileSigner } from '../../../../operator/keys/file/file-signer.ts';
import { readKeyFile } from '../../../../operator/keys/file/key-file.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import {
  afterEachPut,
  changed,
  codeOf,
  type Host,
  hostOf,
  keysOf,
  newKey,
} from '../../key-commands.ts';
import {
  BUCKET,
  copiedPerTest,
  initialized,
  type OperatorLab,
  putBack,
  snapshotOf,
  TREE,
} from '../../operator-lab.ts';

const PUBLISH = ['publish', 'stable', '--no-validate'];
const TIMESTAMP = metadataKey(TREE, 'timestamp.json');
/** As far as hosts accept it in one step. */
const HIGH = 900_000;

/**
 * What a thief of the bucket and of the online key puts there: the same content under these
 * versions.
 */
async function forge(
  lab: OperatorLab,
  key: string,
  versions: { readonly snapshot?: number; readonly timestamp: number },
): Promise<void> {
  const { sign, keyId } = fileSigner(await readKeyFile(key), () => Promise.reject(new Error(key)));
  const put = async (file: string, signed: object) => {
    const sig = (await sign(Buffer.from(canonicalize(signed)))).toString('hex');
    const bytes = Buffer.from(JSON.stringify({ signatures: [{ keyid: keyId, sig }], signed }));
    lab.server.put(BUCKET, metadataKey(TREE, file), bytes);
    return bytes;
  };
  const { signed: timestamp } = lab.metadata('timestamp.json');
  const meta = { ...timestamp.meta };
  const { snapshot: version } = versions;
  if (version !== undefined) {
    const { signed } = lab.metadata(`${meta['snapshot.json'].version}.snapshot.json`);
    const bytes = await put(`${version}.snapshot.json`, { ...signed, version });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    meta['snapshot.json'] = { version, length: bytes.length, hashes: { sha256 } };
  }
  await put('timestamp.json', { ...timestamp, meta, version: versions.timestamp });
}

/** A tree whose online key is not the operator's own. */
async function withOnlineKey(t: TestContext): Promise<OperatorLab & { readonly online: string }> {
  const lab = await onlineTree(t);
  return { ...lab, online: join(keysOf(lab), 'online1.json') };
}

const onlineTree = copiedPerTest(async (t) => {
  const lab = await initialized(t);
  await newKey(lab, 'online1');
  const swap = ['--add', 'online1', '--remove', 'operator'];
  await changed(lab, ['key', 'rotate', '--role', 'online', ...swap]);
  await lab.mm(PUBLISH);
  return lab;
});

async function versionOn(host: Host): Promise<number | undefined> {
  return (await host.poll()).trusted.versions['timestamp'];
}

const RECOVER = ['key', 'rotate', '--role', 'online', '--recover', '--add', 'online2'];

test('I12: after a fast-forward versions begin again, for hosts that saw it and for those that did not', async (t) => {
  const lab = await withOnlineKey(t);
  const hosts = await Promise.all(['saw', 'slept'].map((name) => hostOf(t, lab, name)));
  for (const host of hosts) await host.poll();
  await forge(lab, lab.online, { snapshot: HIGH, timestamp: HIGH });
  assert.equal(await versionOn(hosts[0]!), HIGH);
  const honest = ['publish', 'stable', '--no-validate', '--force', '--version', '1.0.0'];
  await newKey(lab, 'online2');
  const answer = await changed(lab, RECOVER);
  assert.deepEqual([answer.outcome, answer.versions?.['timestamp']], ['committed', 1]);
  for (const host of [...hosts, await hostOf(t, lab, 'fresh')]) {
    assert.equal(await versionOn(host), 1);
  }
  assert.equal((await lab.mm(honest)).exitCode, 0);
  for (const host of hosts) {
    const { trusted } = await host.poll();
    assert.equal(trusted.environments.get('stable')?.current?.custom.version, '1.0.0');
  }
  // The thief's key is of no more use.
  const good = snapshotOf(lab.server);
  await forge(lab, lab.online, { timestamp: 100 });
  await assert.rejects(hosts[0]!.poll(), { code: 'METADATA_UNSIGNED' });
  putBack(lab.server, good);
  assert.equal(await versionOn(hosts[0]!), 2);
});

test('I12: a recovery that was ended half-way is finished by the same command', async (t) => {
  const lab = await withOnlineKey(t);
  const host = await hostOf(t, lab, 'saw');
  await forge(lab, lab.online, { snapshot: HIGH, timestamp: HIGH });
  await host.poll();
  await newKey(lab, 'online2');
  const match = { method: 'PUT', key: TIMESTAMP };
  const fault = { kind: 'status', status: 403, code: 'AccessDenied', match, times: 1 } as const;
  lab.server.faults.add(fault);
  assert.equal(await codeOf(lab, RECOVER), 'S3_ACCESS_DENIED');
  assert.ok(lab.files().includes('3.root.json'));
  assert.equal((await changed(lab, RECOVER)).outcome, 'committed');
  assert.equal(await versionOn(host), 1);
});

test('I12: a plain rotation continues the versions: hosts would refuse lower ones as a rollback', async (t) => {
  const lab = await withOnlineKey(t);
  await newKey(lab, 'online2');
  await forge(lab, lab.online, { timestamp: 1000 });
  const rotate = ['key', 'rotate', '--role', 'online', '--add', 'online2', '--remove', 'online1'];
  const { versions } = await changed(lab, rotate);
  assert.ok((versions?.['timestamp'] ?? 0) > 1000);
});

test('an online key that is lost: hosts refuse for the moment between two uploads, and keep what they have', async (t) => {
  const lab = await withOnlineKey(t);
  const idle = await hostOf(t, lab, 'idle');
  await idle.poll();
  await rm(lab.online);
  await newKey(lab, 'online2');
  const seen: string[] = [];
  const watch = afterEachPut(async (key) => {
    // A publisher that asks for nothing new notices nothing.
    const { trusted } = await idle.poll();
    assert.equal(trusted.environments.get('stable')?.current?.custom.version, '0.1.0');
    const fresh = await hostOf(t, lab, `fresh-${seen.length}`);
    seen.push(await fresh.poll().then(() => 'follows', codeIn));
    if (!key.endsWith('timestamp.json')) return;
    assert.equal((await idle.poll()).trusted.versions['root'], 3);
  });
  const args = ['key', 'revoke', 'online1', '--replace-by', 'online2'];
  await changed(lab, args, watch);
  assert.deepEqual(seen, ['follows', 'METADATA_UNSIGNED', 'follows']);
});

function codeIn(error: unknown): string {
  if (error instanceof CodedError) return error.code;
  throw error;
}

async function interrupted(t: TestContext): Promise<OperatorLab> {
  const lab = await withOnlineKey(t);
  await rename(lab.online, join(lab.directory, 'online1.json'));
  await newKey(lab, 'online2');
  lab.server.faults.add({
    kind: 'status',
    status: 403,
    code: 'AccessDenied',
    match: { method: 'PUT', key: TIMESTAMP },
    times: 1,
  });
  const args = ['key', 'revoke', 'online1', '--replace-by', 'online2'];
  assert.equal(await codeOf(lab, args), 'S3_ACCESS_DENIED');
  return lab;
}

const FINISH: Readonly<Record<string, readonly string[]>> = {
  'mm renew --finish': ['renew', '--finish'],
  'the next rotation': ['key', 'rotate', '--role', 'root', '--add', 'online2'],
};

for (const [name, args] of Object.entries(FINISH)) {
  test(`a rotation that was ended before its timestamp is finished by ${name}`, async (t) => {
    const lab = await interrupted(t);
    const other = ['publish', 'stable', '--no-validate', '--force', '--version', '1.0.0'];
    assert.equal(await codeOf(lab, other), 'METADATA_UNSIGNED');
    assert.equal(await codeOf(lab, ['renew']), 'METADATA_UNSIGNED');
    const { outcome } = await changed(lab, args);
    assert.equal(outcome, 'committed');
    const host = await hostOf(t, lab, 'fresh');
    assert.ok(((await host.poll()).trusted.versions['root'] ?? 0) >= 3);
    assert.equal((await lab.mm(other)).exitCode, 0);
  });
}

test('a replay with a revoked key is no unfinished rotation to who saw it finished', async (t) => {
  const lab = await withOnlineKey(t);
  const replayed = lab.server.get(BUCKET, TIMESTAMP) ?? Buffer.alloc(0);
  await newKey(lab, 'online2');
  await changed(lab, ['key', 'revoke', 'online1', '--replace-by', 'online2']);
  lab.server.put(BUCKET, TIMESTAMP, replayed);
  const before = snapshotOf(lab.server);
  for (const args of [
    ['renew', '--finish'],
    ['key', 'revoke', 'safe', '--replace-by', 'online2'],
    ['renew'],
  ]) {
    assert.equal(await codeOf(lab, args), 'METADATA_UNSIGNED', args.join(' '));
  }
  assert.deepEqual(snapshotOf(lab.server), before);
});

test('a publisher with the old key who comes in between loses nothing, and the rotation goes through', async (t) => {
  const lab = await withOnlineKey(t);
  const path = join(lab.repository, 'miyamoto.yaml');
  // Another publisher, with a kept state of their own.
  const other = join(lab.repository, 'other.yaml');
  await writeFile(other, `${await readFile(path, 'utf8')}state: .other\n`);
  const publish = ['publish', 'testing', '--no-validate', '--config', other, '--json'];
  await newKey(lab, 'online2');
  let exitCode: number | undefined;
  const between = afterEachPut(async (key) => {
    if (!key.endsWith('timestamp.json') || exitCode !== undefined) return;
    ({ exitCode } = await lab.mm(publish));
  });
  const args = ['key', 'rotate', '--role', 'online', '--add', 'online2', '--remove', 'online1'];
  assert.equal((await changed(lab, args, between)).outcome, 'committed');
  assert.equal(exitCode, 0);
  const { trusted } = await (await hostOf(t, lab, 'fresh')).poll(['stable', 'testing']);
  assert.equal(trusted.versions['root'], 3);
  for (const { current } of trusted.environments.values()) assert.ok(current);
});
