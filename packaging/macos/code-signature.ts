import { createHash } from 'node:crypto';

/*
 * What a signed program of macOS says about itself. A Mac with Apple silicon ends a program whose
 * pages have other digests than its signature.
 * https://github.com/apple-oss-distributions/xnu: EXTERNAL_HEADERS/mach-o/loader.h and
 * osfmk/kern/cs_blobs.h
 */

export interface SignedProgram {
  /** `node`. */
  readonly identifier: string;
  /** Of the developer, `HX7739G8FX`. */
  readonly team: string;
  /** The first macOS on which the program starts, `13.5`. */
  readonly minimumSystem: string;
}

const MACH_O_64 = 0xfeedfacf;
const HEADER_BYTES = 32;
const COMMAND = { codeSignature: 0x1d, buildVersion: 0x32, minimumVersion: 0x24 };

const SIGNATURE = 0xfade0cc0;
const SLOT = { codeDirectory: 0, certificates: 0x10000 };
const CODE_DIRECTORY = 0xfade0c02;
const SHA256 = 2;
/** A signature without certificates has a blob of its header only. */
const BLOB_HEADER_BYTES = 8;

/**
 * Throws unless the program has a signature with certificates, and every page the digest that the
 * signature has of it. Whether Apple trusts the certificates is for the Mac to decide.
 */
export function checkSignature(program: Buffer): SignedProgram {
  const commands = loadCommands(program);
  const { at, length } = place(commands.get(COMMAND.codeSignature));
  if (at + length !== program.length) fail('its signature is not at its end');
  const blobs = signatureBlobs(program.subarray(at));
  const certificates = blobs.get(SLOT.certificates);
  if (certificates === undefined || certificates.readUInt32BE(4) <= BLOB_HEADER_BYTES) {
    fail('its signature has no certificates');
  }
  const directory = blobs.get(SLOT.codeDirectory);
  if (directory?.readUInt32BE(0) !== CODE_DIRECTORY) fail('its signature has no code directory');
  checkPages(program, directory, at);
  return {
    identifier: textAt(directory, directory.readUInt32BE(20)),
    team: textAt(directory, directory.readUInt32BE(48)),
    minimumSystem: minimumSystem(commands),
  };
}

function loadCommands(program: Buffer): Map<number, Buffer> {
  if (program.readUInt32LE(0) !== MACH_O_64) fail('it is no program for one architecture of macOS');
  const commands = new Map<number, Buffer>();
  let at = HEADER_BYTES;
  for (let count = program.readUInt32LE(16); count > 0; count--) {
    const bytes = program.readUInt32LE(at + 4);
    commands.set(program.readUInt32LE(at), program.subarray(at, at + bytes));
    at += bytes;
  }
  return commands;
}

function place(command: Buffer | undefined): { readonly at: number; readonly length: number } {
  if (command === undefined) fail('it has no signature');
  return { at: command.readUInt32LE(8), length: command.readUInt32LE(12) };
}

function signatureBlobs(signature: Buffer): Map<number, Buffer> {
  if (signature.readUInt32BE(0) !== SIGNATURE) fail('its signature has an unknown form');
  const blobs = new Map<number, Buffer>();
  for (let index = 0; index < signature.readUInt32BE(8); index++) {
    const entry = 12 + 8 * index;
    blobs.set(signature.readUInt32BE(entry), signature.subarray(signature.readUInt32BE(entry + 4)));
  }
  return blobs;
}

function checkPages(program: Buffer, directory: Buffer, signatureAt: number): void {
  const [hashes, count, limit] = [16, 28, 32].map((field) => directory.readUInt32BE(field));
  const [hashBytes = 0, hashType] = directory.subarray(36, 38);
  if (hashes === undefined || count === undefined || hashType !== SHA256) {
    fail('its signature uses another digest than sha256');
  }
  const pageBytes = 2 ** directory.readUInt8(39);
  if (limit !== signatureAt || count !== Math.ceil(limit / pageBytes)) {
    fail('its signature is not about the whole program');
  }
  for (let page = 0; page < count; page++) {
    const bytes = program.subarray(page * pageBytes, Math.min((page + 1) * pageBytes, limit));
    const signed = directory.subarray(hashes + page * hashBytes, hashes + (page + 1) * hashBytes);
    if (!createHash('sha256').update(bytes).digest().equals(signed)) {
      fail(`page ${page} is another one than in its signature`);
    }
  }
}

function minimumSystem(commands: ReadonlyMap<number, Buffer>): string {
  const version =
    commands.get(COMMAND.buildVersion)?.readUInt32LE(12) ??
    commands.get(COMMAND.minimumVersion)?.readUInt32LE(8) ??
    fail('it does not say for which macOS it is');
  return `${version >> 16}.${(version >> 8) & 0xff}`;
}

function textAt(bytes: Buffer, start: number): string {
  return bytes.toString('utf8', start, bytes.indexOf(0, start));
}

function fail(why: string): never {
  throw new Error(`this Node would not start on a Mac: ${why}`);
}
