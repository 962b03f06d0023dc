import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { heldSigner } from '../../../../operator/keys/held/held-signer.ts';
import { parseIdentities } from '../../../../operator/keys/held/ssh-agent.ts';
import {
  sshToTufKey,
  sshToTufSignature,
  tufToSshKey,
} from '../../../../operator/keys/held/ssh-key.ts';
import { sshString, uint32 } from '../../../../operator/keys/held/ssh-string.ts';
import { openKeyring } from '../../../../operator/keys/keyring.ts';
import { tufKeyOf } from '../../../../operator/keys/public/public-key.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { assertHostsAccept, hasCode, newHeldKey } from '../../commit/accepted.ts';
import { ED25519, P256, type RealAgent, RSA, startAgent } from './real-ssh-agent.ts';

const now = new Date('2026-03-01T12:00:00Z');
const bytes = Buffer.from('to be signed');
const noPassphrase = () => assert.fail('nobody should be asked');

/** A key file for a key of the agent. */
function keyFor({ directory, env }: RealAgent, key?: string, name = 'ann') {
  const path = join(directory, 'keys', `${name}.json`);
  return newHeldKey({ kind: 'ssh-agent', path, now, key, env });
}

for (const [type, options] of Object.entries({ Ed25519: ED25519, 'ECDSA P-256': P256 })) {
  test(`ssh-agent: ${type}: hosts accept its signatures`, async (t) => {
    const agent = await startAgent(t);
    await agent.holdNew('ann@laptop', ...options);
    const { path, document } = await keyFor(agent);
    assert.deepEqual(document.private, { kind: 'ssh-agent', comment: 'ann@laptop' });
    const { signers } = await openKeyring(join(path, '..'), noPassphrase, agent.env);
    const [signer, ...others] = signers;
    assert.ok(signer);
    assert.equal(others.length, 0);
    assert.equal(signer.keyId, document.keyid);
    await assertHostsAccept(t, signer);
  });
}

test('ssh-agent: ECDSA numbers of several lengths become DER that verifies', async (t) => {
  const agent = await startAgent(t);
  await agent.holdNew('ann', ...P256);
  const signer = heldSigner(await keyFor(agent), agent);
  const lengths = new Set<number>();
  // Every second number has a leading zero byte, and every 128th signature has a short number.
  // Neither may throw.
  for (let round = 0; round < 64; round++) {
    lengths.add((await signer.sign(Buffer.from([round]))).length);
  }
  assert.ok(lengths.size > 1);
});

test('ssh-agent: two keys: selected by fingerprint or comment, each signs with the right one', async (t) => {
  const agent = await startAgent(t);
  await agent.holdNew('one', ...ED25519);
  await agent.holdNew('two', ...ED25519);
  await assert.rejects(keyFor(agent), hasCode('USAGE'));
  const [, fingerprint] = (await agent.sshAdd('-l')).split('\n')[0]!.split(' ');
  const one = await keyFor(agent, fingerprint, 'one');
  const two = await keyFor(agent, 'two', 'two');
  assert.equal(one.document.private.kind === 'ssh-agent' && one.document.private.comment, 'one');
  assert.notEqual(one.document.keyid, two.document.keyid);
  await heldSigner(one, agent).sign(bytes);
  await heldSigner(two, agent).sign(bytes);
  await assert.rejects(keyFor(agent, 'three', 'three'), hasCode('KEY_MISSING'));
});

test('ssh-agent: no key file is replaced, and no file is written for a key that does not sign', async (t) => {
  const agent = await startAgent(t);
  const file = await agent.keygen('ann', ...ED25519);
  await agent.sshAdd('-c', file); // every use must be confirmed, and here no person confirms
  await assert.rejects(keyFor(agent), hasCode('KEY_LOCKED'));
  await assert.rejects(stat(join(agent.directory, 'keys')));
  await agent.sshAdd('-d', file);
  await agent.sshAdd(file);
  const { path } = await keyFor(agent);
  const before = await readFile(path);
  await assert.rejects(keyFor(agent), hasCode('KEY_INVALID'));
  assert.deepEqual(await readFile(path), before);
});

/** Faults between making the key file and signing. */
const gone = {
  'locked agent': { code: 'KEY_LOCKED', spoil: (agent: RealAgent) => agent.sshAdd('-x') },
  'removed key': {
    code: 'KEY_MISSING',
    async spoil(agent: RealAgent, file: string) {
      await agent.holdNew('another', ...ED25519);
      await agent.sshAdd('-d', file);
    },
  },
  'empty agent': { code: 'KEY_LOCKED', spoil: (agent: RealAgent) => agent.sshAdd('-D') },
  'ended agent': { code: 'KEY_MISSING', spoil: (agent: RealAgent) => agent.stop() },
  'key to be confirmed': {
    code: 'KEY_LOCKED',
    async spoil(agent: RealAgent, file: string) {
      await agent.sshAdd('-d', file);
      await agent.sshAdd('-c', file);
    },
  },
} satisfies Record<
  string,
  { code: string; spoil: (agent: RealAgent, file: string) => Promise<unknown> }
>;

for (const [name, { code, spoil }] of Object.entries(gone)) {
  test(`ssh-agent: ${name} is ${code}`, async (t) => {
    const agent = await startAgent(t);
    const file = await agent.holdNew('ann', ...ED25519);
    const signer = heldSigner(await keyFor(agent), agent);
    await signer.sign(bytes);
    await spoil(agent, file);
    await assert.rejects(signer.sign(bytes), hasCode(code));
  });
}

test('ssh-agent: after it is unlocked it signs again', async (t) => {
  const agent = await startAgent(t);
  await agent.holdNew('ann', ...ED25519);
  const signer = heldSigner(await keyFor(agent), agent);
  await agent.sshAdd('-x');
  await assert.rejects(signer.sign(bytes), hasCode('KEY_LOCKED'));
  await agent.sshAdd('-X');
  await signer.sign(bytes);
});

test('ssh-agent: without SSH_AUTH_SOCK is KEY_MISSING', async (t) => {
  const agent = await startAgent(t);
  await agent.holdNew('ann', ...ED25519);
  const file = await keyFor(agent);
  await assert.rejects(heldSigner(file, { env: {} }).sign(bytes), hasCode('KEY_MISSING'));
});

test('ssh-agent: a document above the size limit of agents is KEY_INVALID', async (t) => {
  const agent = await startAgent(t);
  await agent.holdNew('ann', ...ED25519);
  const signer = heldSigner(await keyFor(agent), agent);
  await signer.sign(Buffer.alloc(255 * 1024));
  await assert.rejects(signer.sign(Buffer.alloc(256 * 1024)), hasCode('KEY_INVALID'));
});

for (const [name, options] of Object.entries({
  RSA,
  'ECDSA P-384': ['-t', 'ecdsa', '-b', '384'],
})) {
  test(`ssh-agent: ${name} is KEY_INVALID, and ignored when the agent has a usable key`, async (t) => {
    const agent = await startAgent(t);
    await agent.holdNew('old', ...options);
    await assert.rejects(keyFor(agent), hasCode('KEY_INVALID'));
    await agent.holdNew('new', ...ED25519);
    await assert.rejects(keyFor(agent, 'old'), hasCode('KEY_INVALID'));
    const { document } = await keyFor(agent);
    assert.equal(document.private.kind === 'ssh-agent' && document.private.comment, 'new');
  });
}

const ed25519 = tufKeyOf(generateKeyPairSync('ed25519').publicKey)!;
const p256 = tufKeyOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)!;

test('ssh-agent: a key converted to SSH and back is the same', () => {
  for (const key of [ed25519, p256]) assert.deepEqual(sshToTufKey(tufToSshKey(key)), key);
});

/**
 * Listens at the socket instead of a correct agent. Its answers to a list and to a signing request.
 */
const frame = (...parts: readonly Uint8Array[]) => {
  const message = Buffer.concat(parts);
  return Buffer.concat([uint32(message.length), message]);
};
const identities = (blob: Buffer) =>
  frame(Buffer.from([12]), uint32(1), sshString(blob), sshString('key'));
const blob = tufToSshKey(ed25519);
const fido = Buffer.concat([
  sshString('sk-ssh-ed25519@openssh.com'),
  sshString(Buffer.alloc(32)),
  sshString('ssh:'),
]);
interface Fake {
  readonly code: string;
  readonly list?: Buffer;
  readonly sign?: Buffer;
  /** The connection stays open after the answer. */
  readonly stays?: boolean;
}
const fakes: Record<string, Fake> = {
  'a FIDO key': { code: 'KEY_INVALID', list: identities(fido) },
  'a certificate': {
    code: 'KEY_INVALID',
    list: identities(sshString('ssh-ed25519-cert-v01@openssh.com')),
  },
  "another key's signature": {
    code: 'KEY_INVALID',
    sign: frame(
      Buffer.from([14]),
      sshString(Buffer.concat([sshString('ssh-ed25519'), sshString(Buffer.alloc(64))])),
    ),
  },
  'a signature of another kind': {
    code: 'KEY_INVALID',
    sign: frame(Buffer.from([14]), sshString(sshString('rsa-sha2-256'))),
  },
  'an endless answer': { code: 'KEY_MISSING', sign: Buffer.from('7fffffff', 'hex'), stays: true },
  'no answer': { code: 'KEY_LOCKED', stays: true },
  'a closed connection': { code: 'KEY_MISSING', sign: Buffer.alloc(0) },
  'another protocol': { code: 'KEY_MISSING', sign: frame(Buffer.from('HTTP/1.1')) },
  'a list that is cut off': { code: 'KEY_MISSING', list: frame(Buffer.from([12, 0, 0, 0, 2])) },
};

for (const [name, fake] of Object.entries(fakes)) {
  test(`ssh-agent: ${name} is ${fake.code}`, async (t) => {
    const directory = await temporaryDirectory(t);
    const env = { SSH_AUTH_SOCK: await fakeAgent(t, directory, fake) };
    const timeLimitMs = fake.stays ? 1000 : undefined;
    const path = join(directory, 'ann.json');
    const made = newHeldKey({ kind: 'ssh-agent', path, now, env, timeLimitMs });
    await assert.rejects(made, hasCode(fake.code));
    await assert.rejects(stat(path));
  });
}

async function fakeAgent(
  t: TestContext,
  directory: string,
  { list = identities(blob), sign = Buffer.alloc(0), stays = false }: Fake,
): Promise<string> {
  const path = join(directory, 'fake.sock');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (request) => {
      const isSign = request[4] === 13;
      socket.write(isSign ? sign : list);
      if (!isSign || !stays) socket.end();
    });
  });
  server.listen(path);
  await once(server, 'listening');
  t.after(() => server.close());
  return path;
}

test('ssh-agent: any bytes from an agent are parsed or refused, never a crash', () => {
  const parse = (answer: Uint8Array) => {
    const wrapped = Buffer.from(answer);
    parseIdentities(wrapped);
    sshToTufKey(wrapped);
    sshToTufSignature(wrapped);
  };
  const types = fc.constantFrom('ssh-ed25519', 'ecdsa-sha2-nistp256', 'nistp256', 'x');
  const part = fc.oneof(types.map(sshString), fc.uint8Array({ maxLength: 140 }).map(sshString));
  const parts = fc.array(part, { maxLength: 6 }).map((all) => Buffer.concat(all));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), parts), (answer) => {
      parse(answer);
      parse(Buffer.concat([Buffer.from([12, 0, 0, 0, 2]), answer]));
    }),
    { numRuns: 2000 },
  );
});
