import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { BINARY_NAME } from '../../../bucket/documents/name-rules.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { fileProblem } from '../../../shared/file-problem.ts';
import type { Context } from '../../context.ts';
import { openRegular } from '../../files/open-regular.ts';
import type { WholeFile } from '../../repository/upload/upload-file.ts';

/** A file of this machine that becomes a binary. */
export interface GivenFile extends WholeFile {
  readonly name: string;
}

/** Reads the files whole, for their sha256. Throws USAGE. */
export async function readFiles(
  context: Context,
  files: readonly string[],
  name: string | undefined,
): Promise<GivenFile[]> {
  if (name !== undefined && files.length > 1) throw usage('--name goes with one file only');
  const read: GivenFile[] = [];
  for (const file of files) {
    const given = { path: resolve(context.cwd, file), name: name ?? basename(file) };
    requireName(given.name);
    const other = read.find((each) => each.name === given.name);
    if (other !== undefined) {
      throw usage(`${other.path} and ${given.path} would have one name, ${given.name}`);
    }
    read.push({ ...given, ...(await digestOf(context, given)) });
  }
  return read;
}

function requireName(name: string): void {
  if (BINARY_NAME.test(name)) return;
  throw usage(
    `${JSON.stringify(name)} cannot be the name of a binary: wanted letters, digits and _ . + ~ @ % -, at most 200, beginning with a letter, a digit or _, and neither "current" nor "next"`,
    'mm binaries put FILE --name NAME',
  );
}

/** Reads a regular file whole. Throws USAGE when it cannot be read or is empty. */
export async function digestOf(
  context: Context,
  { path, name }: Pick<GivenFile, 'path' | 'name'>,
): Promise<Pick<WholeFile, 'sha256' | 'length'>> {
  const opened = await openRegular(path).catch((cause: unknown) => {
    const { why, next } = fileProblem(path, cause);
    throw usage(`cannot read the file: ${why}`, next);
  });
  await using file = opened;
  const { size } = await file.stat();
  const hash = createHash('sha256');
  let length = 0;
  using progress = context.showProgress?.({ what: `reading ${name}`, unit: 'byte' });
  for await (const chunk of file.createReadStream({ autoClose: false })) {
    hash.update(chunk as Buffer);
    length += (chunk as Buffer).length;
    progress?.at(length, size);
  }
  if (length === 0) throw usage(`${path} is empty`);
  return { sha256: hash.digest('hex'), length };
}

function usage(message: string, next = 'mm binaries put --help'): CodedError {
  return new CodedError(message, { code: 'USAGE', next });
}
