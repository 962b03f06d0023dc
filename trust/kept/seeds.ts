import { messageOf } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { inspectMetadata } from '../workflow/inspect.ts';
import type { Start } from './start.ts';

/** `timestamp.json` and `snapshot.json` from the time when the package was built. */
export interface PackagedSeeds {
  readonly timestamp: Uint8Array;
  readonly snapshot: Uint8Array;
}

/**
 * Returns the kept files, and the seeds of the package for those that are missing. A new host has
 * seen nothing yet, so the seeds are its floor against a replay (attack 08b). Throws ROOT_INVALID
 * for an unusable seed that is needed: skipping it would silently remove that floor.
 */
export function withSeeds(
  { local, chain }: Pick<Start, 'local' | 'chain'>,
  seeds: PackagedSeeds | undefined,
): ReadonlyMap<string, Buffer> {
  if (seeds === undefined) return local;
  const files = new Map(local);
  for (const [role, bytes] of Object.entries(seeds)) {
    const name = `${role}.json`;
    if (files.has(name)) continue;
    requireSeed(bytes, role, chain.treeId);
    files.set(name, Buffer.from(bytes));
  }
  return files;
}

function requireSeed(bytes: Uint8Array, role: string, treeId: string): void {
  let why = `it is not a ${role}`;
  let cause: unknown;
  try {
    if (inspectMetadata(bytes, `${role}.json`, treeId)['_type'] === role) return;
  } catch (error) {
    cause = error;
    why = messageOf(error);
  }
  throw new CodedError(`the installed ${role}.json is no floor against older metadata: ${why}`, {
    code: 'ROOT_INVALID',
    cause,
    next: 'install timestamp.json and snapshot.json of the same tree as root.json, or neither',
  });
}
