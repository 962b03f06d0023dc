import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { checkSignature } from '../../../packaging/macos/code-signature.ts';

/* test/boxes/pkg.test.ts checks the Node of both architectures. This is a small program. */

const PAGE_BYTES = 4096;
const CODE_BYTES = 3 * PAGE_BYTES + 100;

function signedProgram({ certificates = 'CMS', hashType = 2, limit = CODE_BYTES } = {}): Buffer {
  const [identifier, team, pages] = ['node\0', 'AB12CD34EF\0', Math.ceil(limit / PAGE_BYTES)];
  const texts = Buffer.from(identifier + team);
  const hashesAt = 52 + texts.length;
  const directoryBytes = hashesAt + 32 * pages;
  const blobs = [directoryBytes, 8 + certificates.length];
  const signatureBytes = 12 + 8 * blobs.length + directoryBytes + 8 + certificates.length;
  const code = Buffer.alloc(CODE_BYTES, 'code');
  code.fill(0, 0, 256);
  // The header with two commands: the version of the system, and where the signature is.
  const fields: Readonly<Record<number, number>> = {
    ...{ 0: 0xfeedfacf, 16: 2 },
    ...{ 32: 0x32, 36: 24, 40: 1, 44: (13 << 16) | (5 << 8) },
    ...{ 56: 0x1d, 60: 16, 64: CODE_BYTES, 68: signatureBytes },
  };
  for (const [at, value] of Object.entries(fields)) code.writeUInt32LE(value, Number(at));
  const digests = Array.from({ length: pages }, (_, page) => {
    const bytes = code.subarray(page * PAGE_BYTES, Math.min((page + 1) * PAGE_BYTES, limit));
    return createHash('sha256').update(bytes).digest();
  });
  const numbers = [0xfade0c02, directoryBytes, 0x20500, 0, hashesAt, 52, 0, pages, limit];
  const directory = Buffer.concat([
    u32(...numbers),
    Buffer.of(32, hashType, 0, Math.log2(PAGE_BYTES)),
    u32(0, 0, 52 + identifier.length),
    texts,
    ...digests,
  ]);
  const first = 12 + 8 * blobs.length;
  return Buffer.concat([
    code,
    u32(0xfade0cc0, signatureBytes, blobs.length, 0, first, 0x10000, first + directoryBytes),
    directory,
    u32(0xfade0b01, 8 + certificates.length),
    Buffer.from(certificates),
  ]);
}

function u32(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * at);
  return bytes;
}

function changed(at: number): Buffer {
  const program = signedProgram();
  program[at] = (program[at] ?? 0) ^ 1;
  return program;
}

test('code signature: of a program as it was signed, with its developer and its first macOS', () => {
  assert.deepEqual(checkSignature(signedProgram()), {
    identifier: 'node',
    team: 'AB12CD34EF',
    minimumSystem: '13.5',
  });
});

const REFUSED: Readonly<Record<string, readonly [Buffer, RegExp]>> = {
  'a changed byte': [changed(2 * PAGE_BYTES), /page 2 /],
  'a changed byte in the last, shorter page': [changed(CODE_BYTES - 1), /page 3 /],
  'bytes after the signature': [
    Buffer.concat([signedProgram(), Buffer.alloc(16)]),
    /signature is not at its end/,
  ],
  'a stripped signature': [changed(56), /no signature/],
  'a signature made without a certificate': [signedProgram({ certificates: '' }), /certificates/],
  'a signature of a part': [signedProgram({ limit: 2 * PAGE_BYTES }), /whole program/],
  'another digest': [signedProgram({ hashType: 1 }), /sha256/],
  'a program of another system': [
    Buffer.concat([Buffer.from('\x7fELF'), Buffer.alloc(64)]),
    /macOS/,
  ],
};
for (const [name, [program, message]] of Object.entries(REFUSED)) {
  test(`code signature: ${name} is refused`, () => {
    assert.throws(() => checkSignature(program), message);
  });
}
