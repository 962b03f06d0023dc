import assert from 'node:assert/strict';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { canonicalize } from '@tufjs/canonical-json';
import { metadataKey } from '../../../../bucket/layout.ts';
import { InitAnswer } from '../../../../operator/answers.ts';
import { fileSigner } from '../../../../operator/keys/file/file-signer.ts';
import { type KeyDocument, readKeyFile } from '../../../../operator/keys/file/key-file.ts';
import { changed, codeOf, hostOf, keysOf, newKey } from '../../key-commands.ts';
import {
  BUCKET,
  initArgs,
  initialized,
  type OperatorLab,
  openOperatorLab,
  snapshotOf,
  TREE,
} from '../../operator-lab.ts';

/** What a thief of the operator's laptop can do when the safe key is no longer on it. */

const PUBLISH = ['publish', 'stable', '--no-validate'];
const DAY_MS = 86_400_000;

/** Moves the safe key away, as mm init recommends. */
async function moveSafe(lab: OperatorLab): Promise<void> {
  const stick = join(lab.directory, 'usb-stick');
  await mkdir(stick);
  await rename(join(keysOf(lab), 'safe.json'), join(stick, 'safe.json'));
}

const NEEDS_THE_SAFE: Readonly<Record<string, readonly string[]>> = {
  'add a root key': ['key', 'rotate', '--role', 'root', '--add', 'operator'],
  'add a key to targets': ['key', 'rotate', '--role', 'targets', '--add', 'operator'],
  'drop the safe': ['key', 'revoke', 'safe', '--replace-by', 'operator'],
  'add a key to an environment': ['key', 'rotate', '--role', 'stable', '--add', 'thief'],
  'add an online key': ['key', 'rotate', '--role', 'online', '--add', 'thief'],
  'add an environment': ['environment', 'add', 'production'],
};

test('row 8: with the daily key alone nobody changes keys or environments, but publishes and renews', async (t) => {
  const lab = await initialized(t);
  await newKey(lab, 'thief');
  await moveSafe(lab);
  const before = snapshotOf(lab.server);
  for (const [name, args] of Object.entries(NEEDS_THE_SAFE)) {
    assert.equal(await codeOf(lab, args), 'KEY_MISSING', name);
  }
  assert.deepEqual(snapshotOf(lab.server), before);
  assert.equal((await lab.mm(PUBLISH)).exitCode, 0);
  assert.equal((await changed(lab, ['renew', 'online', 'stable'])).outcome, 'committed');

  const thief = lab.metadata('1.root.json').signed.roles.snapshot.keyids[0];
  await forgeRoot(lab, thief);
  const host = await hostOf(t, lab, 'host');
  await assert.rejects(host.poll(), { code: 'METADATA_UNSIGNED' });
});

/** A root that gives every role to the daily key, signed by that key. */
async function forgeRoot(lab: OperatorLab, keyId: string): Promise<void> {
  const { signed } = lab.metadata('1.root.json');
  const offline = { keyids: [keyId], threshold: 1 };
  const forged = {
    ...signed,
    version: 2,
    roles: { ...signed.roles, root: offline, targets: offline },
  };
  const file = await readKeyFile(join(keysOf(lab), 'operator.json'));
  const signer = fileSigner(file, () => Promise.reject(new Error('it has no passphrase')));
  const sig = (await signer.sign(Buffer.from(canonicalize(forged)))).toString('hex');
  const text = JSON.stringify({ signatures: [{ keyid: keyId, sig }], signed: forged });
  lab.server.put(BUCKET, metadataKey(TREE, '2.root.json'), text);
}

const kindOf = async (path: string) =>
  (JSON.parse(await readFile(path, 'utf8')) as KeyDocument).private.kind;

test('row 8: on a terminal the safe key gets a passphrase, and adding an environment asks for it', async (t) => {
  const lab = await openOperatorLab(t);
  const questions: string[] = [];
  const ask = (question: string) => {
    questions.push(question);
    return Promise.resolve('correct horse');
  };
  const { json, exitCode, stderr } = await lab.mm(initArgs(lab), { ask });
  assert.equal(exitCode, 0, stderr);
  const { keys } = InitAnswer.parse(json);
  assert.deepEqual(
    [await kindOf(keys.operator), await kindOf(keys.safe)],
    ['plain', 'scrypt-aes-256-gcm'],
  );
  assert.deepEqual(questions, [
    'Passphrase for the key that goes into the safe: ',
    'The same again: ',
  ]);
  assert.equal((await lab.mm(PUBLISH, { ask: () => assert.fail('no passphrase') })).exitCode, 0);
  const add = ['environment', 'add', 'production', '--json'];
  assert.equal(await codeOf(lab, add), 'KEY_LOCKED');
  questions.length = 0;
  assert.equal((await lab.mm(add, { ask })).exitCode, 0);
  assert.deepEqual(questions, ['Passphrase of signing key safe: ']);
});

test('row 8: mm asks again for a mistyped passphrase, at most three times', async (t) => {
  const lab = await openOperatorLab(t);
  await lab.mm(initArgs(lab), { ask: () => Promise.resolve('correct horse') });
  const typed = (...answers: string[]) => ({
    ask: () => Promise.resolve(answers.shift() ?? assert.fail('asked too often')),
  });
  const add = ['environment', 'add', 'production', '--json'];
  assert.equal(await codeOf(lab, add, typed('a', 'b', 'c')), 'KEY_LOCKED');
  assert.equal((await lab.mm(add, typed('a', 'correct horse'))).exitCode, 0);
});

test('row 8: without a terminal mm warns that the safe key has no passphrase', async (t) => {
  const lab = await openOperatorLab(t);
  const { stderr, exitCode } = await lab.mm(initArgs(lab));
  assert.equal(exitCode, 0);
  assert.match(stderr, /the safe key gets no passphrase; everyone who can copy/);
});

test('row 8: a daily job renews without the safe key, also when its locked file still exists', async (t) => {
  const lab = await openOperatorLab(t);
  await lab.mm(initArgs(lab), { ask: () => Promise.resolve('correct horse') });
  const later = { now: () => Date.now() + 250 * DAY_MS };
  const { exitCode, stderr } = await lab.mm(['renew'], later);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /targets expires at .* mm renew targets/);
  assert.match(stderr, /root expires at .* mm renew root/);
});

test('row 8: a separate targets key adds environments without the safe key', async (t) => {
  const lab = await initialized(t);
  await newKey(lab, 'environments');
  await changed(lab, ['key', 'rotate', '--role', 'targets', '--add', 'environments']);
  await moveSafe(lab);
  assert.equal((await lab.mm(['environment', 'add', 'production'])).exitCode, 0);
  assert.equal(await codeOf(lab, NEEDS_THE_SAFE['add a root key']!), 'KEY_MISSING');
});
