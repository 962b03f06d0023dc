import type { Metadata, Snapshot, TargetFile, Targets } from '@tufjs/models';
import { SHA256 } from '../../bucket/documents/name-rules.ts';
import { type OfferedRelease, ReleaseCustom } from '../../bucket/documents/release.ts';
import { printable } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { releaseTarget } from './role-names.ts';
import type { EnvironmentOffer } from './trusted.ts';
import { whyUnreadable } from './unreadable-role.ts';

type Slot = OfferedRelease | 'schema-too-new' | undefined;

/**
 * What verified targets of the role offer to an environment. Throws METADATA_INVALID for a target
 * that a host could not verify.
 */
export function readOffer(
  role: string | undefined,
  targets: Readonly<Record<string, TargetFile>> | undefined,
  environment: string,
): EnvironmentOffer {
  const current = readSlot(targets?.[releaseTarget(environment, 'current')]);
  const next = readSlot(targets?.[releaseTarget(environment, 'next')]);
  return {
    role,
    current: current === 'schema-too-new' ? undefined : current,
    next: next === 'schema-too-new' ? undefined : next,
    schemaTooNew: current === 'schema-too-new' || next === 'schema-too-new',
  };
}

/**
 * The same for publishers, from the document of the role: `unreadable` has the error. They must be
 * able to replace whatever a thief of a key has signed.
 */
export function readAnyOffer(
  role: string | undefined,
  document: Metadata<Targets> | undefined,
  environment: string,
): EnvironmentOffer {
  const nothing = { role, current: undefined, next: undefined, schemaTooNew: false };
  if (document === undefined) return nothing;
  const { targets } = document.signed;
  const why = whyUnreadable(document);
  try {
    if (why === undefined) return readOffer(role, targets, environment);
    const path = releaseTarget(environment, 'current');
    throw invalid(path, `the file of its role cannot be read: ${why}`);
  } catch (unreadable) {
    if (unreadable instanceof CodedError) return { ...nothing, unreadable };
    throw unreadable;
  }
}

/** Why no host accepts the target as a release. */
export function problemOf(target: TargetFile | undefined): CodedError | undefined {
  try {
    readSlot(target);
    return undefined;
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}

function readSlot(target: TargetFile | undefined): Slot {
  if (target === undefined) return undefined;
  const { custom, length, hashes } = target;
  if (Number.isInteger(custom['schema']) && Number(custom['schema']) > 1) return 'schema-too-new';
  const parsed = ReleaseCustom.safeParse(custom);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join('.') ?? '';
    throw invalid(
      target.path,
      `custom.${where}: ${issue?.message ?? 'not readable'}`,
      parsed.error,
    );
  }
  // TUF allows a target without a hash. Any bytes of that length would then pass (attack 22).
  const { sha256 } = hashes;
  if (sha256 === undefined || !SHA256.test(sha256)) {
    throw invalid(target.path, 'wanted a sha256 in hashes, got none');
  }
  if (!(Number.isSafeInteger(length) && length > 0)) {
    throw invalid(target.path, `wanted a length above 0, got ${length}`);
  }
  return { sha256, length, custom: parsed.data };
}

/**
 * The delegated role that answers for an environment. Throws METADATA_MISSING when the snapshot
 * does not list it, because it was removed or never published.
 */
export function answeringRole(
  targets: Metadata<Targets>,
  snapshot: Metadata<Snapshot>,
  environment: string,
): string | undefined {
  const role = delegatedRole(targets, environment);
  if (role === undefined || isListed(snapshot, role)) return role;
  throw new CodedError(
    `the snapshot does not list ${role}.json, which answers for environment ${environment}`,
    { code: 'METADATA_MISSING', next: `mm publish ${environment}` },
  );
}

export function isListed({ signed }: Metadata<Snapshot>, role: string): boolean {
  return Object.hasOwn(signed.meta, `${role}.json`);
}

/**
 * The delegated role that answers for an environment, also when the snapshot does not list it.
 * Throws METADATA_INVALID when two roles could answer: then the order in targets would decide
 * whether the key of a class such as `dev_*` signs for an environment that has its own role.
 */
export function delegatedRole(targets: Metadata<Targets>, environment: string): string | undefined {
  const slots = ['current', 'next'] as const;
  const delegated = slots.flatMap((slot) => {
    const path = releaseTarget(environment, slot);
    return [...(targets.signed.delegations?.rolesForTarget(path) ?? [])];
  });
  const [role, ...others] = new Set(delegated.map((each) => each.role));
  if (role === undefined || others.length === 0) return role;
  const names = [role, ...others].map((name) => printable(name, 64)).join(', ');
  throw new CodedError(`targets lets more than one role answer for ${environment}: ${names}`, {
    code: 'METADATA_INVALID',
    next: 'the holders of the targets keys must sign targets with one role for it',
  });
}

function invalid(path: string, what: string, cause?: unknown): CodedError {
  return new CodedError(`signed target ${path}: ${what}`, {
    code: 'METADATA_INVALID',
    cause,
    next: `publish the environment again with a current mm`,
  });
}
