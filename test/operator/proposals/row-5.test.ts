import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { canonicalize } from '@tufjs/canonical-json';
import { metadataKey } from '../../../bucket/layout.ts';
import { ErrorAnswer } from '../../../operator/answers.ts';
import { fileSigner } from '../../../operator/keys/file/file-signer.ts';
import { readKeyFile } from '../../../operator/keys/file/key-file.ts';
import { MAX_VERSION } from '../../../trust/metadata/version-limits.ts';
import { changed, codeOf, hostOf, keysOf, newKey } from '../key-commands.ts';
import { BUCKET, snapshotOf, TREE } from '../operator-lab.ts';
import {
  COMMIT,
  edited,
  FILE,
  put,
  ROOT_ROLES,
  readProposalOf,
  releaseOf,
  sign,
  type Team,
  team,
} from './team.ts';

/** Puts a document there, signed by the keys in these files. */
async function forge(people: Team, file: string, signed: object, keys: readonly string[]) {
  const signatures = await Promise.all(
    keys.map(async (path) => {
      const signer = fileSigner(await readKeyFile(path), () => Promise.reject(new Error(path)));
      const sig = await signer.sign(Buffer.from(canonicalize(signed)));
      return { keyid: signer.keyId, sig: sig.toString('hex') };
    }),
  );
  const bytes = Buffer.from(JSON.stringify({ signatures, signed }));
  people.server.put(BUCKET, metadataKey(TREE, file), bytes);
  const { version } = signed as { version: number };
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { version, length: bytes.length, hashes: { sha256 } };
}

/** Thieves of two targets keys and of the online key have used up the versions of targets. */
async function withTargetsAt(people: Team, version: number): Promise<void> {
  const ann = join(keysOf(people), 'operator.json');
  const bob = join(people.directory, 'bob/acme/ubuntu/bob.json');
  const { signed: timestamp } = people.metadata('timestamp.json');
  const before = timestamp.meta['snapshot.json'].version as number;
  const { signed: snapshot } = people.metadata(`${before}.snapshot.json`);
  const { signed: targets } = people.metadata(
    `${snapshot.meta['targets.json'].version}.targets.json`,
  );
  const entry = await forge(people, `${version}.targets.json`, { ...targets, version }, [ann, bob]);
  const named = {
    ...snapshot,
    version: before + 1,
    meta: { ...snapshot.meta, 'targets.json': entry },
  };
  const meta = {
    'snapshot.json': await forge(people, `${before + 1}.snapshot.json`, named, [ann]),
  };
  const next = { ...timestamp, version: timestamp.version + 1, meta };
  await forge(people, 'timestamp.json', next, [ann]);
  // This publisher has not seen the low versions.
  await rm(join(people.repository, '.miyamoto'), { recursive: true, force: true });
}

test('row 5: targets at the last version begin again by a proposal, and hosts follow', async (t) => {
  const people = await team(t);
  await withTargetsAt(people, MAX_VERSION);
  const host = await hostOf(t, people, 'host');
  assert.equal((await host.poll()).trusted.versions['targets'], MAX_VERSION);
  const rotate = ['key', 'rotate', '--role', 'testing', '--add', 'bob.pub.json', '--out', FILE];
  const { json } = await people.mm([...rotate, '--json']);
  const { code, next } = ErrorAnswer.parse(json).error;
  assert.equal(code, 'METADATA_INVALID');
  assert.match(String(next), /mm key rotate --role online --recover --add KEY/);
  await newKey(people, 'online2');
  const recover = ['key', 'rotate', '--role', 'online', '--recover', '--add', 'online2'];
  await changed(people, [...recover, '--out', FILE]);
  await sign(people, ...people.bob);
  const { versions } = await changed(people, COMMIT);
  const low = versions?.['targets'] ?? MAX_VERSION;
  assert.ok(low < 100, String(low));
  assert.equal((await host.poll()).trusted.versions['targets'], low);
  await changed(people, rotate);
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
  assert.equal((await host.poll()).trusted.versions['targets'], low + 1);
});

test('row 5: a root that hosts would not read is refused by its signers', async (t) => {
  const people = await team(t);
  await newKey(people, 'online2');
  const recover = ['key', 'rotate', '--role', 'online', '--recover', '--add', 'online2'];
  await changed(people, [...recover, '--out', FILE]);
  const proposal = await readProposalOf(people);
  const root = proposal.documents.find(({ role }) => role === 'root')?.signed;
  const keys = { ...(root?.['keys'] as object), ...Object.fromEntries(manyKeys(101)) };
  await put(people, edited(proposal, 'root', { keys }));
  for (const args of [['root', 'sign', FILE, ...people.bob, '--no-rebuild'], COMMIT]) {
    const { code, message } = ErrorAnswer.parse((await people.mm([...args, '--json'])).json).error;
    assert.equal(code, 'PROPOSAL_INVALID');
    assert.match(message, /at most 100 keys/);
  }
});

test('row 5: values that hosts read as other values, or that are too many, are refused by signers', async (t) => {
  const people = await team(t);
  assert.equal((await people.mm(['publish', 'stable', '--no-validate'])).exitCode, 0);
  const proposal = await releaseOf(people, '--force');
  for (const [fields, why] of [
    [{ targets: [] }, /hosts would read other values/],
    [{ spec_version: ['1.0.0'] }, /spec_version must be a string/],
    [{ 'x-versions': 'summer' }, /x-versions: wanted the labels of environments/],
    [{ 'x-versions': { stable: {} } }, /x-versions: .* label .* of "stable", found \{\}/],
    [{ 'x-versions': { stable: 'summer' } }, /x-versions: .* of "stable", found "summer"/],
    [{ 'x-versions': { stable: '999999.0.0' } }, /x-versions: .* of "stable", found "999999/],
    [MANY_FIELDS, /values change: wanted at most 5000/],
  ] as const) {
    await put(people, edited(proposal, 'env-stable', fields));
    for (const args of [['root', 'sign', FILE, ...people.bob, '--no-rebuild'], COMMIT]) {
      const { json } = await people.mm([...args, '--json']);
      const { code, message } = ErrorAnswer.parse(json).error;
      assert.equal(code, 'PROPOSAL_INVALID');
      assert.match(message, why);
    }
  }
});

const MANY_FIELDS = Object.fromEntries(Array.from({ length: 150_000 }, (_, at) => [`x-${at}`, 1]));

function manyKeys(count: number): readonly (readonly [string, object])[] {
  return Array.from({ length: count }, () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    const hex = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');
    const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: hex } };
    return [createHash('sha256').update(canonicalize(key)).digest('hex'), key] as const;
  });
}

test('row 5: a proposal that begins targets again, or jumps, is refused', async (t) => {
  const people = await team(t);
  await newKey(people, 'online2');
  const release = await releaseOf(people);
  const recover = ['key', 'rotate', '--role', 'online', '--recover', '--add', 'online2'];
  const { signed } = people.metadata('timestamp.json');
  assert.ok(signed.version > 1);
  await changed(people, ['renew', 'targets', '--out', FILE]);
  const renewed = await readProposalOf(people);
  await changed(people, [...recover, '--out', FILE]);
  const root = (await readProposalOf(people)).documents;
  const both = { ...renewed, documents: [...root, ...renewed.documents] };
  const current = Number(release.documents[0]?.base);
  const before = snapshotOf(people.server);
  const refused: Readonly<Record<string, object>> = {
    'targets begin again': edited(both, 'targets', { version: 1 }),
    'a version of the limit': edited(release, 'env-stable', { version: MAX_VERSION }),
    'a leap that hosts would take': edited(release, 'env-stable', { version: current + 900_000 }),
    'a step above what is ever skipped': edited(release, 'env-stable', {
      version: current + 1001,
    }),
  };
  for (const [name, proposal] of Object.entries(refused)) {
    await put(people, proposal);
    for (const args of [['root', 'sign', FILE, ...people.bob, '--no-rebuild'], COMMIT]) {
      const { json } = await people.mm([...args, '--json']);
      const { code, message } = ErrorAnswer.parse(json).error;
      assert.equal(code, 'PROPOSAL_INVALID', name);
      assert.match(message, /^the proposed [a-z-]+ has version \d+ and continues/, name);
    }
  }
  assert.deepEqual(snapshotOf(people.server), before);
});

test('row 5: a root that jumps is refused by signers and by hosts, so that no thief uses up its versions', async (t) => {
  const people = await team(t);
  const host = await hostOf(t, people, 'host');
  const seen = (await host.poll()).trusted.versions['root'] ?? 0;
  await newKey(people, 'carl');
  await changed(people, ['key', 'rotate', ...ROOT_ROLES, '--add', 'carl', '--out', FILE]);
  const good = await readProposalOf(people);
  for (const version of [seen, seen + 2, MAX_VERSION, Number.MAX_SAFE_INTEGER]) {
    await put(people, edited(good, 'root', { version }));
    const args = ['root', 'sign', FILE, ...people.bob];
    assert.equal(await codeOf(people, args), 'PROPOSAL_INVALID', String(version));
  }
  // A threshold of root keys signs the jump, under the name that hosts ask for.
  const keys = [
    join(keysOf(people), 'operator.json'),
    join(people.directory, 'bob/acme/ubuntu/bob.json'),
  ];
  const { signed } = people.metadata(`${seen}.root.json`);
  await forge(people, `${seen + 1}.root.json`, { ...signed, version: MAX_VERSION }, keys);
  await assert.rejects((await hostOf(t, people, 'fresh')).poll(), { code: 'METADATA_MISMATCH' });
});

test('row 5: a root that would stop every host is refused by signers, and committed by nobody', async (t) => {
  const people = await team(t);
  await changed(people, ['renew', 'root', '--out', FILE]);
  const good = await readProposalOf(people);
  const long = Object.fromEntries(Array.from({ length: 45 }, (_, n) => [n, 'x'.repeat(10_000)]));
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+/, '');
  const bricks: Readonly<Record<string, object>> = {
    'larger than hosts read': { 'x-long': long },
    'another major version of TUF': { spec_version: '2.0.0' },
    'it lapses tomorrow': { expires: tomorrow },
    'it never lapses': { expires: '9999-12-31T00:00:00Z' },
  };
  for (const [name, fields] of Object.entries(bricks)) {
    await put(people, edited(good, 'root', fields));
    for (const args of [['root', 'sign', FILE, ...people.bob], COMMIT]) {
      assert.equal(await codeOf(people, args), 'PROPOSAL_INVALID', name);
    }
  }
  await put(people, good);
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
});
