import { CodedError } from '../../../shared/coded-error.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { maxSignedBytes } from '../../../trust/metadata/file-limits.ts';
import { binaryTarget, isBinariesRole } from '../../../trust/metadata/role-names.ts';
import { coverageOf } from '../../metadata/environment-classes.ts';
import { isHeard } from '../../metadata/heard-releases.ts';
import { lintBinary, lintRelease } from '../../metadata/lint/targets.ts';
import type { RoleContent } from '../../metadata/signed-file.ts';
import { contentOf, type VerifiedMetadata } from '../../metadata/verified.ts';

/**
 * Returns the content of a delegated role that is signed again when its keys are removed: only its
 * releases or its binaries. The holder of a removed key may be a thief who wrote what mm never
 * signs, such as delegations to other keys. Such content must not prevent the revocation of the
 * key.
 */
export function cleanRole(verified: VerifiedMetadata, role: string): RoleContent {
  const document = verified.roles.get(role);
  const targets = document === undefined ? {} : jsonObject(contentOf(document)['targets']);
  const isKept = (path: string, target: unknown) =>
    isBinariesRole(role)
      ? lintBinary(path, jsonObject(target)).length === 0
      : isHeard(verified, role, path);
  const heard = Object.entries(targets).filter(([path, target]) => isKept(path, target));
  return { _type: 'targets', targets: Object.fromEntries(heard) };
}

/** Binaries that mm does not sign: they are dropped, because they have no earlier state. */
export function droppedBinaries(
  verified: VerifiedMetadata,
  role: string,
  clean: RoleContent,
): string[] {
  if (!isBinariesRole(role)) return [];
  const kept = jsonObject(clean['targets']);
  const all = Object.keys(verified.roles.get(role)?.signed.targets ?? {});
  return all.filter((path) => !Object.hasOwn(kept, path)).slice(0, 100);
}

/**
 * Checks the releases before they are signed again. Throws USAGE when hosts could not use one of
 * them.
 */
export function requireSound(
  verified: VerifiedMetadata,
  {
    role,
    content,
    command,
  }: { readonly role: string; readonly content: RoleContent; readonly command: string },
): void {
  const { covers = [] } = coverageOf(verified.targets).find((each) => each.role === role) ?? {};
  const { targets } = content;
  requireFit(content, command, covers.at(-1) ?? 'ENVIRONMENT');
  for (const [path, target] of Object.entries(jsonObject(targets))) {
    const lint = path.startsWith(binaryTarget('')) ? lintBinary : lintRelease;
    const problems = lint(path, jsonObject(target));
    if (problems.length === 0) continue;
    const isBinary = lint === lintBinary;
    const instead = isBinary ? '--drop-binaries' : '--back-to RELEASE';
    const or = isBinary ? '' : `; --drop ${path.split('/')[0]} leaves it out`;
    throw new CodedError(`${path} cannot be signed again: ${problems.join('; ')}${or}`, {
      code: 'USAGE',
      next: `${command} ${instead}`,
      details: { path, problems },
    });
  }
}

/** Hosts read more than mm signs, so a thief can have signed a list that is too large. */
function requireFit(content: JsonObject, command: string, environments: string): void {
  const bytes = Buffer.byteLength(JSON.stringify(content));
  const most = maxSignedBytes('targets');
  if (bytes <= most) return;
  const lists = Object.keys(jsonObject(content['targets'])).some((path) =>
    path.startsWith(binaryTarget('')),
  );
  throw new CodedError(`${bytes} bytes cannot be signed again: mm signs at most ${most}`, {
    code: 'USAGE',
    next: `${command} ${lists ? '--drop-binaries' : `--drop '${environments}'`}`,
    details: { bytes, most },
  });
}
