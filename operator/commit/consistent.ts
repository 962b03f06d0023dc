import type { Metadata, Root } from '@tufjs/models';
import { CodedError } from '../../shared/coded-error.ts';
import { shellWord } from '../../shared/shell-word.ts';
import { verifies } from '../metadata/delegation.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';

/**
 * Whether the snapshot names the versions of the verified files, so that something else was
 * refused: for example targets with two roles for one environment, or an object in the name of the
 * next root. Hosts that saw this snapshot can continue from it, so the online keys may stay.
 */
export function isConsistent(verified: VerifiedMetadata, root: Metadata<Root>): boolean {
  const { distrusted, timestamp, snapshot, targets, roles } = verified;
  if (distrusted?.code !== 'METADATA_INVALID') return false;
  // No host accepts a jump of versions, or a file that builds on one.
  if (distrusted.details['leap'] !== undefined) return false;
  if (timestamp === undefined || snapshot === undefined || targets === undefined) return false;
  const { meta, version } = snapshot.signed;
  const documents = new Map([...roles, ['targets', targets] as const]);
  const names = ['targets', ...Object.keys(targets.signed.delegations?.roles ?? {})];
  return (
    version === timestamp.signed.snapshotMeta.version &&
    verifies(root, 'timestamp', timestamp) &&
    verifies(root, 'snapshot', snapshot) &&
    names.every((name) => meta[`${name}.json`]?.version === documents.get(name)?.signed.version)
  );
}

/**
 * A recovery must not commit less than the snapshot of the bucket names, unless a person named each
 * file that is missing. Throws NOT_CONFIRMED.
 */
export function requireAgreed({ lost = [] }: Pick<VerifiedMetadata, 'lost'>): void {
  if (lost.length === 0) return;
  const files = lost.map(({ file }) => file);
  const options = files.map((file) => `--without ${shellWord(file)}`).join(' ');
  const texts = lost.map(({ text }) => text).join('. ');
  throw new CodedError(`nothing was changed: ${texts}`, {
    code: 'NOT_CONFIRMED',
    next: `restore the deleted versions of ${files.join(', ')} in the bucket. If there never was such a file, or if what mm found is the newest, run the same command with ${options}`,
    details: { files },
  });
}
