import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { HeldKeyFile } from '../../../operator/keys/held/held-key-file.ts';
import type { Signer } from '../../../operator/keys/public/signer.ts';
import { newKeyFile } from '../../../operator/keys/signing-key.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { sharedTree } from './shared-tree.ts';

/**
 * Publishes with the signer as the only one who may sign for an environment, then reads the bucket
 * by the rules of trust, as a new host.
 */
export async function assertHostsAccept(t: TestContext, signer: Signer): Promise<void> {
  const role = 'env-stable';
  const tree = await sharedTree(t, { role, signers: [signer], threshold: 1 });
  const signers = [tree.operator, signer];
  const publisher = await tree.publisher({ keyring: { place: 'memory', signers } });
  const content = Buffer.from('a release');
  const done = await publisher.publish('stable', content);
  assert.ok(done.kind === 'committed');
  const file = done.files.find((each) => each.file.endsWith(`.${role}.json`));
  const { signatures } = JSON.parse(String(file?.bytes)) as { signatures: { keyid: string }[] };
  assert.deepEqual(
    signatures.map(({ keyid }) => keyid),
    [signer.keyId],
  );
  const { environments } = await (await tree.publisher()).repository.read();
  assert.equal(environments.get('stable')?.current?.length, content.length);
}

export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof CodedError && error.code === code;
}

type NewHeldKey = Exclude<Parameters<typeof newKeyFile>[0], { kind: 'file' }>;

/** A new key file whose private part is elsewhere. */
export async function newHeldKey(wanted: NewHeldKey): Promise<HeldKeyFile> {
  return (await newKeyFile(wanted)) as HeldKeyFile;
}
