import { metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { readKept } from '../../trust/kept/trust-directory.ts';
import { isTopLevel } from '../metadata/delegation.ts';
import type { RepositoryOptions } from './repository.ts';

/** A writer of the bucket can exchange an object, and a thief of an online key can name another. */
const FORGED: ReadonlySet<string> = new Set(['METADATA_MISMATCH', 'S3_TOO_LARGE', 'TREE_MISMATCH']);
/** For a file that somebody deleted. */
export const RESTORE =
  'on a machine that has verified it, mm renew uploads it again; otherwise restore its object version';
/** Another machine may have seen less, and then recovers less. */
export const STOLEN =
  'an online key was stolen; on a machine whose state: has seen the newest files: mm key rotate --role online --recover --add KEY';

/** Without a timestamp nothing says which versions are the newest. */
export const RESTORE_TIMESTAMP =
  'restore the object version of timestamp.json; without one: mm key rotate --role online --recover --add KEY';

/** A file that nobody can read. A leap of versions has an explanation of its own. */
function isUnusable({ code, details }: CodedError): boolean {
  const isOfFile = details['file'] !== undefined || details['role'] !== undefined;
  return code === 'METADATA_INVALID' && isOfFile && details['leap'] === undefined;
}

/** New online keys can leave such a file of a delegated role behind. */
function isUnsignedRole({ code, details }: CodedError): boolean {
  const { role } = details;
  return code === 'METADATA_UNSIGNED' && typeof role === 'string' && !isTopLevel(role);
}

function withNext(cause: CodedError, next: string): CodedError {
  const { code, message, details } = cause;
  return new CodedError(message, { code, cause, next, details });
}

/** A missing or wrong file means something else for a publisher than for a host. */
export function explained(
  cause: unknown,
  { bucket, tree, stateDirectory }: RepositoryOptions,
): unknown {
  if (!(cause instanceof CodedError)) return cause;
  if (cause.code === 'METADATA_ROLLBACK') {
    return withNext(cause, `${cause.next}; if nobody put it back, ${STOLEN}`);
  }
  if (FORGED.has(cause.code) || isUnusable(cause) || isUnsignedRole(cause)) {
    const isOther = cause.code === 'TREE_MISMATCH';
    const first = isOther ? 'compare bucket and tree with miyamoto.yaml; if they are right, ' : '';
    return withNext(
      cause,
      `${first}remove it from the bucket; ${RESTORE}; if that does not help, ${STOLEN}`,
    );
  }
  if (cause.code !== 'METADATA_MISSING') return cause;
  const { file } = cause.details;
  if (file === 'timestamp.json') {
    const url = `s3://${bucket.name}/${metadataKey(tree, file)}`;
    const hasSeen = readKept(stateDirectory).files.has(file);
    const message = hasSeen
      ? `${url} was deleted: this machine has verified it before`
      : `there is no ${url}: the tree was not begun, or somebody deleted it`;
    const begin = `mm init --bucket ${bucket.name} --tree ${tree}`;
    return new CodedError(message, {
      code: 'METADATA_MISSING',
      cause,
      next: hasSeen ? RESTORE_TIMESTAMP : `${RESTORE_TIMESTAMP}; or for a new tree: ${begin}`,
    });
  }
  return new CodedError(
    `${cause.message}, but signed metadata names it: mm signs nothing on top of that`,
    {
      code: 'METADATA_MISSING',
      cause,
      next: `${RESTORE}; if it never existed, ${STOLEN}`,
      details: cause.details,
    },
  );
}
