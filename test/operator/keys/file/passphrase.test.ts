import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { askHidden } from '../../../../operator/cli/terminal/terminal.ts';
import { passphraseSource } from '../../../../operator/keys/file/passphrase.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const isLocked = (error: unknown) => error instanceof CodedError && error.code === 'KEY_LOCKED';

const texts = {
  'one line': ['secret\n', 'secret'],
  'no line end': ['secret', 'secret'],
  'a Windows line end': ['secret\r\n', 'secret'],
  'blanks are part of it': [' a b \n', ' a b '],
  'only the last line end is removed': ['a\n\n', 'a\n'],
} as const;

for (const [name, [text, wanted]] of Object.entries(texts)) {
  test(`passphrase from a file or a descriptor: ${name}`, async (t) => {
    const path = join(await temporaryDirectory(t), 'passphrase');
    await writeFile(path, text);
    const ask = () => assert.fail('nobody should be asked');
    assert.equal(await passphraseSource({ file: path, ask })('operator'), wanted);
    assert.equal(await passphraseSource({ fd: openSync(path, 'r'), ask })('operator'), wanted);
  });
}

test('passphrase: a descriptor is read once, for all keys', async (t) => {
  const path = join(await temporaryDirectory(t), 'passphrase');
  await writeFile(path, 'secret');
  const source = passphraseSource({ fd: openSync(path, 'r') });
  assert.deepEqual(await Promise.all([source('a'), source('b')]), ['secret', 'secret']);
});

test('passphrase: the prompt names the key', async () => {
  const questions: string[] = [];
  const ask = (question: string) => {
    questions.push(question);
    return Promise.resolve('secret');
  };
  assert.equal(await passphraseSource({ ask })('operator'), 'secret');
  assert.match(questions.join(), /operator/);
});

test('passphrase: no source for one is KEY_LOCKED', async (t) => {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, 'empty'), '\n');
  await writeFile(join(directory, 'huge'), 'x'.repeat(2000));
  const from = (name: string) => passphraseSource({ file: join(directory, name) })('operator');
  for (const name of ['none', 'empty', 'huge', '.']) await assert.rejects(from(name), isLocked);
  await assert.rejects(passphraseSource({})('operator'), isLocked);
  await assert.rejects(passphraseSource({ ask: () => Promise.resolve('') })('operator'), isLocked);
});

test('passphrase: a pipe is waited for, up to a limit, and a device is refused', async (t) => {
  const pipe = join(await temporaryDirectory(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const given = passphraseSource({ file: pipe })('operator');
  spawn('sh', ['-c', `echo secret > ${pipe}`]);
  assert.equal(await given, 'secret');
  await assert.rejects(passphraseSource({ file: pipe, limitMs: 1 })('operator'), isLocked);
  await assert.rejects(passphraseSource({ file: '/dev/zero' })('operator'), isLocked);
});

test('terminal: what is typed is not shown', async () => {
  const input = new PassThrough();
  let shown = '';
  const output = { write: (text: string) => (shown += text) };
  const answer = askHidden({ input, output }, 'Passphrase: ');
  input.write('sec\u007fcret\r'); // with a backspace
  assert.equal(await answer, 'secret');
  assert.equal(shown, 'Passphrase: \n');
});

test('terminal: the bytes of a character may arrive in pieces', async () => {
  const input = new PassThrough();
  const answer = askHidden({ input, output: { write: () => undefined } }, 'Passphrase: ');
  for (const byte of Buffer.from('a€b\r')) input.write(Buffer.from([byte]));
  assert.equal(await answer, 'a€b');
});

test('terminal: an input that ends is KEY_LOCKED', async () => {
  const input = new PassThrough();
  const answer = askHidden({ input, output: { write: () => undefined } }, 'Passphrase: ');
  input.end('sec');
  await assert.rejects(answer, isLocked);
});

for (const [name, typed] of Object.entries({ 'Ctrl-C': 'se\u0003', 'Ctrl-D': '\u0004' })) {
  test(`terminal: ${name} is KEY_LOCKED`, async () => {
    const input = new PassThrough();
    const answer = askHidden({ input, output: { write: () => undefined } }, 'Passphrase: ');
    input.write(typed);
    await assert.rejects(answer, isLocked);
  });
}
