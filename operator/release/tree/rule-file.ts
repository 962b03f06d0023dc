import { CodedError } from '../../../shared/coded-error.ts';
import { fileProblem } from '../../../shared/file-problem.ts';
import { isFileError, readNamed } from '../../../shared/files.ts';

const MAX_BYTES = 1024 ** 2;

/**
 * Returns the text of a file that says what is published, such as `.gitignore`, and undefined when
 * it is missing. Throws ARCHIVE_UNSAFE when it cannot be read: what it leaves out would be
 * published.
 */
export function readRules(path: string): string | undefined {
  try {
    return readNamed(path, MAX_BYTES).toString();
  } catch (cause) {
    if (isFileError(cause, 'ENOENT') || isFileError(cause, 'ENOTDIR')) return undefined;
    const { why, next } = fileProblem(path, cause);
    const message = `cannot read a file that says what is published: ${why}`;
    throw new CodedError(message, { code: 'ARCHIVE_UNSAFE', cause, next });
  }
}
