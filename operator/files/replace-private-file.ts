import { replaceFileSync } from '../../shared/atomic-file.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { asDiskError } from '../../shared/disk-error.ts';
import { fileProblem } from '../../shared/file-problem.ts';

/**
 * Writes a file that a person named, and that only this user may read. A file that exists is
 * replaced as a whole. Throws DISK_FULL, DISK_READ_ONLY, FILE_FAILED.
 */
export function replacePrivateFile(path: string, content: string | Uint8Array): void {
  try {
    replaceFileSync(path, content, { mode: 0o600 });
  } catch (cause) {
    const error = asDiskError(cause, path);
    if (error instanceof CodedError) throw error;
    const { why, next } = fileProblem(path, cause);
    throw new CodedError(`cannot write ${path}: ${why}`, { code: 'FILE_FAILED', cause, next });
  }
}
