import { CodedError } from '../coded-error.ts';
import { fileProblem } from '../file-problem.ts';
import { readStart } from '../files.ts';
import { shellWord } from '../shell-word.ts';

/** Far more than any real config file has. Limits the cost of parsing. */
const MAX_BYTES = 256 * 1024;

export interface ConfigSource {
  readonly path: string;
  readonly text: string;
}

/**
 * Reads a config file as UTF-8. Returns undefined when it does not exist. Throws CONFIG_INVALID
 * when it cannot be read, is larger than 256 kB or not UTF-8.
 */
export function readConfigFile(path: string): string | undefined {
  let bytes: Buffer;
  try {
    bytes = readStart(path, MAX_BYTES + 1);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const { why, next } = fileProblem(path, cause);
    throw new CodedError(`cannot read the configuration: ${why}`, {
      code: 'CONFIG_INVALID',
      cause,
      next,
    });
  }
  requireSize(path, bytes.length);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CodedError(`${path}: wanted UTF-8 text, found other bytes`, {
      code: 'CONFIG_INVALID',
      cause,
      next: `file ${shellWord(path)}; then save it as UTF-8, or give the right file`,
    });
  }
}

/** Throws CONFIG_INVALID for a file that is too large to be a config file. */
export function requireSize(path: string, bytes: number): void {
  if (bytes <= MAX_BYTES) return;
  throw new CodedError(`${path}: wanted at most ${MAX_BYTES} bytes, found more`, {
    code: 'CONFIG_INVALID',
    next: `ls -l ${shellWord(path)}; then give the right file`,
  });
}
