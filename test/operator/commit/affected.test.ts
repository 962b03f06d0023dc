import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { metadataKey } from '../../../bucket/layout.ts';
import { withAffected } from '../../../operator/commit/affected.ts';
import { commit } from '../../../operator/commit/commit.ts';
import type { Signer } from '../../../operator/keys/public/signer.ts';
import { editKeys, type NamedKey } from '../../../operator/metadata/role-keys.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { bucketSource } from '../../../trust/metadata/source.ts';
import { refresh } from '../../../trust/reader.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { newSigner } from '../keys/keys.ts';
import { BUCKET, TREE } from '../operator-lab.ts';
import { type SharedTree, sharedTree } from './shared-tree.ts';

const named = ({ keyId, publicKey }: Signer, name: string): NamedKey => ({
  keyId,
  publicKey,
  name,
});

test('I19 revoking a key signs again what it had signed, in the same commit', async (t) => {
  const [ann, bob] = [newSigner(), newSigner()];
  const tree = await sharedTree(t, { role: 'env-stable', signers: [ann], threshold: 1 });
  const publisherWith = (...signers: Signer[]) =>
    tree.publisher({ keyring: { place: 'here', signers: [tree.operator, ...signers] } });
  const first = await publisherWith(ann);
  await first.publish('stable', Buffer.from('one'));
  const host = await pollingHost(tree, await temporaryDirectory(t));
  const before = await host();

  const { repository } = await publisherWith(bob, tree.safe);
  const edit = { add: [named(bob, 'bob')], remove: [ann.keyId] };
  const done = await commit(repository, (verified) => ({
    kind: 'change',
    change: withAffected(verified, {
      blobs: [],
      ...editKeys(verified, new Map([['env-stable', edit]])),
    }),
    answer: undefined,
  }));
  assert.equal(done.kind, 'committed');
  assert.deepEqual(signersOf(tree, '3.env-stable.json'), [bob.keyId]);
  // Hosts that were there before and hosts that are new follow at once, and are offered what they
  // were.
  assert.deepEqual(await host(), before);
  assert.deepEqual(await (await pollingHost(tree, await temporaryDirectory(t)))(), before);

  await assert.rejects(
    (await publisherWith(ann)).publish('stable', Buffer.from('two')),
    (error) => error instanceof CodedError && error.code === 'KEY_MISSING',
  );
  await (await publisherWith(bob)).publish('stable', Buffer.from('two'));
  assert.notDeepEqual(await host(), before);
});

/** A host that polls, and says which tarball it is offered. */
async function pollingHost(
  tree: SharedTree,
  directory: string,
): Promise<() => Promise<string | undefined>> {
  const { options } = await tree.publisher();
  const trust = await mkdtemp(join(directory, 'trust-'));
  return async () => {
    const { trusted } = await refresh({
      directory: trust,
      packagedRoot: tree.root,
      environments: ['stable'],
      clock: { now: () => Date.now() },
      source: bucketSource(options.bucket, options.tree),
      etag: undefined,
    });
    return trusted.environments.get('stable')?.current?.sha256;
  };
}

function signersOf({ server }: SharedTree, file: string): string[] {
  const document = JSON.parse(String(server.get(BUCKET, metadataKey(TREE, file)))) as {
    signatures: { keyid: string }[];
  };
  return document.signatures.map(({ keyid }) => keyid);
}
