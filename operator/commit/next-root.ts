import { CodedError } from '../../shared/coded-error.ts';
import { checkRoot, keysOf, refused } from '../metadata/delegation.ts';
import {
  addSignatures,
  type Draft,
  draftOf,
  draftToFile,
  parseContent,
  parseSignedFile,
  type SignedFile,
} from '../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { Repository } from '../repository/repository.ts';
import type { Change } from './change.ts';
import { assertEnough, availableSigners, unique } from './sign-role.ts';

/**
 * The root that follows the current one, signed by the thresholds of both. Throws KEY_MISSING when
 * keys are missing, PROPOSAL_INVALID when the draft continues another root.
 */
export async function nextRoot(
  repository: Repository,
  verified: VerifiedMetadata,
  { root: content, drafts }: Change,
): Promise<SignedFile | undefined> {
  if (content === undefined) return undefined;
  const { treeId, keyring, mode, now } = repository;
  const version = verified.root.signed.version + 1;
  const given = drafts?.get('root');
  if (given !== undefined && given.signed['version'] !== version) throw stale(given, version);
  const draft = given ?? draftOf({ role: 'root', treeId, now: now(), version, content, mode });
  const next = parseContent(draft.signed, 'root');
  const wanted = [verified.root, next].map((root) => keysOf({ root, targets: undefined }, 'root'));
  // A root of a proposal gets its signatures from mm root sign, which shows what is signed.
  const signers =
    given === undefined ? wanted.flatMap((keys) => [...availableSigners(keyring, keys)]) : [];
  const signed = await addSignatures(draft, unique(signers));
  for (const keys of wanted) assertEnough(signed, keys);
  const file = draftToFile(signed, treeId);
  const document = parseSignedFile(file.bytes, 'root');
  try {
    verified.root.verifyDelegate('root', document);
  } catch (cause) {
    throw refused('root', cause instanceof Error ? cause.message : String(cause), cause);
  }
  checkRoot(document);
  return file;
}

function stale({ signed }: Draft, wanted: number): CodedError {
  return new CodedError(
    `the proposed root has version ${String(signed['version'])}; the next one is ${wanted}`,
    { code: 'PROPOSAL_INVALID', next: 'propose it again on top of the current root' },
  );
}
