import { Certname } from '../../bucket/documents/names.ts';
import { hostStatusPrefix } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { nearest } from '../../shared/suggestion.ts';
import type { TreePlace } from '../repository/stored-files.ts';

const NEXT = 'mm status, to see which hosts have reported';
/** Names that are compared with a mistyped one. */
const MAX_COMPARED = 5000;

/** Throws USAGE. */
export function requireCertname(text: string): void {
  if (Certname.safeParse(text).success) return;
  const lower = text.toLowerCase();
  const meant = Certname.safeParse(lower).success ? `did you mean ${lower}? ` : '';
  const message = `${JSON.stringify(text)} is not a certname`;
  throw new CodedError(message, { code: 'USAGE', next: `${meant}${NEXT}` });
}

/** S3_NOT_FOUND for a host that has never reported, with the name that may have been meant. */
export async function neverReported(
  place: TreePlace,
  certname: string,
  more: { readonly found: string; readonly cause?: unknown },
): Promise<CodedError> {
  const meant = nearest(certname, await similarNames(place, certname));
  return new CodedError(`${certname} has never reported: ${more.found}`, {
    code: 'S3_NOT_FOUND',
    cause: more.cause,
    next: meant === undefined ? NEXT : `did you mean ${meant}? ${NEXT}`,
  });
}

/** Names with the same first letters. A bucket that cannot be listed gives no suggestion. */
async function similarNames({ bucket, tree }: TreePlace, certname: string): Promise<string[]> {
  const prefix = hostStatusPrefix(tree);
  const names: string[] = [];
  try {
    for await (const { key } of bucket.list(`${prefix}${certname.slice(0, 2)}`)) {
      if (names.push(key.slice(prefix.length).replace(/\.json$/, '')) >= MAX_COMPARED) break;
    }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
  return names;
}
