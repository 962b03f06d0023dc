import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Command, type HeldKeyFile } from '../../../../operator/keys/held/held-key-file.ts';
import { heldSigner } from '../../../../operator/keys/held/held-signer.ts';
import { openKeyring } from '../../../../operator/keys/keyring.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { assertHostsAccept, hasCode, newHeldKey } from '../../commit/accepted.ts';

const now = new Date('2026-03-01T12:00:00Z');
const bytes = Buffer.from('to be signed');
const access = { env: { PATH: process.env['PATH'] } };
const noPassphrase = () => assert.fail('nobody should be asked');
const PROGRAM = join(import.meta.dirname, 'signing-command.ts');

interface Made {
  /** The command reads its key here, and the fault that it must show. */
  readonly directory: string;
  readonly file: HeldKeyFile;
}

async function keyFor(t: TestContext, type: 'ed25519' | 'ec' = 'ed25519'): Promise<Made> {
  const directory = await temporaryDirectory(t);
  await writeKey(directory, type);
  const format = type === 'ed25519' ? 'hex' : 'base64';
  const command = [process.execPath, PROGRAM, directory, format];
  const path = join(directory, 'keys', 'hsm.json');
  return {
    directory,
    file: await newHeldKey({ kind: 'command', path, now, command, ...access }),
  };
}

async function writeKey(directory: string, type: 'ed25519' | 'ec'): Promise<void> {
  const { privateKey } =
    type === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await writeFile(join(directory, 'key.pem'), pem, { mode: 0o600 });
}

for (const [name, type] of [
  ['a TUF key and hex', 'ed25519'],
  ['PEM and base64', 'ec'],
] as const) {
  test(`command: ${name}: hosts accept its signatures`, async (t) => {
    const { file } = await keyFor(t, type);
    const { signers } = await openKeyring(join(file.path, '..'), noPassphrase, access.env);
    const [signer] = signers;
    assert.ok(signer);
    assert.equal(signer.keyId, file.document.keyid);
    await assertHostsAccept(t, signer);
  });
}

test('command: is not passed to a shell', async (t) => {
  const { directory, file } = await keyFor(t);
  const { private: holder } = file.document;
  assert.ok(holder.kind === 'command');
  const [program, script = '', ...rest] = holder.command;
  const command: typeof holder.command = [program, script, ...rest, `; touch ${directory}/shell`];
  const document = { ...file.document, private: { ...holder, command } };
  const signer = heldSigner({ ...file, document }, access);
  await assert.rejects(signer.sign(bytes), hasCode('KEY_LOCKED')); // the last argument is not where the program expects it
  await assert.rejects(stat(join(directory, 'shell')));
});

/** Faults between making the key file and signing. */
const gone: Record<string, { code: string; spoil: (directory: string) => Promise<void> }> = {
  'a program without its key': {
    code: 'KEY_LOCKED',
    spoil: (directory) => rm(join(directory, 'key.pem')),
  },
  'another key': { code: 'KEY_INVALID', spoil: (directory) => writeKey(directory, 'ed25519') },
};
for (const [fault, code] of Object.entries({
  fails: 'KEY_LOCKED',
  chatters: 'KEY_INVALID',
  mumbles: 'KEY_INVALID',
  'says-nothing': 'KEY_INVALID',
})) {
  const spoil = (directory: string) => writeFile(join(directory, fault), '');
  gone[`a program that ${fault.replace('-', ' ')}`] = { code, spoil };
}

for (const [name, { code, spoil }] of Object.entries(gone)) {
  test(`command: ${name} is ${code}`, async (t) => {
    const { directory, file } = await keyFor(t);
    const signer = heldSigner(file, access);
    await spoil(directory);
    await assert.rejects(signer.sign(bytes), hasCode(code));
  });
}

test('command: a program that hangs is KEY_LOCKED, and is killed', async (t) => {
  const { directory, file } = await keyFor(t);
  const pidFile = join(directory, 'pid');
  const hangs = ['sh', '-c', `trap '' TERM; echo $$ >'${pidFile}'; exec sleep 1000`];
  const command = Command.parse(hangs);
  const document = { ...file.document, private: { kind: 'command' as const, command } };
  let pid = 0;
  // On a busy machine the program may start late.
  for (let timeLimitMs = 500; pid === 0; timeLimitMs *= 2) {
    const signer = heldSigner({ ...file, document }, { ...access, timeLimitMs });
    await assert.rejects(signer.sign(bytes), hasCode('KEY_LOCKED'));
    pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  }
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

test('command: the error contains the stderr of the program', async (t) => {
  const { directory, file } = await keyFor(t);
  await writeFile(join(directory, 'fails'), '');
  await assert.rejects(heldSigner(file, access).sign(bytes), /the token is not plugged in/);
});

test('command: a program that does not read its stdin causes no crash', async (t) => {
  const { directory, file } = await keyFor(t);
  await writeFile(join(directory, 'mumbles'), '');
  const large = Buffer.alloc(4 * 1024 * 1024); // larger than the buffer of a pipe
  await assert.rejects(heldSigner(file, access).sign(large), hasCode('KEY_INVALID'));
});

/** Commands that are refused before a key file is made. */
const refused: Record<string, { code: string; command: readonly string[] }> = {
  'no command': { code: 'USAGE', command: [] },
  'a program by a relative path': { code: 'USAGE', command: ['./sign'] },
  'an argument with a zero byte': { code: 'USAGE', command: ['true', 'a\0b'] },
  'a program that does not exist': { code: 'KEY_MISSING', command: ['/nonexistent/sign'] },
  'a program that is not on the path': { code: 'KEY_MISSING', command: ['mm-nonexistent-sign'] },
  'a program that prints no key': { code: 'KEY_INVALID', command: ['echo'] },
  'a program that fails': { code: 'KEY_LOCKED', command: ['false'] },
};

for (const [name, { code, command }] of Object.entries(refused)) {
  test(`command: ${name} is ${code}, and no file is made`, async (t) => {
    const path = join(await temporaryDirectory(t), 'hsm.json');
    const made = newHeldKey({ kind: 'command', path, now, command, ...access });
    await assert.rejects(made, hasCode(code));
    await assert.rejects(stat(path));
  });
}
