import type { TargetFile } from '@tufjs/models';
import { SHA256 } from '../bucket/documents/name-rules.ts';
import { printable } from '../shared/clean-text.ts';
import { CodedError } from '../shared/coded-error.ts';
import { readStart } from './kept/start.ts';
import { guardedNow } from './metadata/clock.ts';
import { isListed } from './metadata/offer.ts';
import { binaryTarget } from './metadata/role-names.ts';
import type { MetadataSource } from './metadata/source.ts';
import type { TrustOptions } from './reader.ts';
import { pass } from './workflow/pass.ts';
import type { Session } from './workflow/session.ts';

export interface BinariesOptions extends Omit<TrustOptions, 'environments'> {
  readonly source: MetadataSource;
  readonly names: readonly string[];
  readonly signal?: AbortSignal;
}

/** What the signed metadata says of a binary. */
export interface SignedBinary {
  readonly sha256: string;
  /** Bytes. */
  readonly length: number;
}

/**
 * Looks up binaries in the metadata that the last refresh of this machine verified, and in the list
 * that this metadata names. It sends one request and writes nothing, so it needs no lock and a run
 * of Puppet can call it. Names without an entry are left out. Throws METADATA_*, and
 * METADATA_MISSING before the first refresh.
 */
export async function readBinaries(
  options: BinariesOptions,
): Promise<ReadonlyMap<string, SignedBinary>> {
  const start = readStart(options);
  const timestamp = start.local.get('timestamp.json');
  if (timestamp === undefined || start.chain.version < start.rootFloor) throw nothingKept();
  const found = new Map<string, SignedBinary>();
  const { outcome } = await pass({
    ...{ chain: start.chain, local: start.local, named: start.named, timestamp },
    ...{ source: options.source, rootSource: undefined, environments: [], signal: options.signal },
    now: guardedNow(options.clock.now(), start.clockFloor),
    // An expired list may be an old file that somebody put back.
    acceptExpired: false,
    async alsoRead(session) {
      for (const name of options.names) {
        const target = await readTarget(session, binaryTarget(name));
        if (target !== undefined) found.set(name, signedBinary(target));
      }
    },
  });
  if (outcome.kind === 'refused') throw outcome.error;
  return found;
}

/**
 * Reads the file of the role that targets delegates the path to, and no other file. mm lists only
 * what that role lists; a thief of its key could hide binaries in roles further down (attack 14b).
 */
async function readTarget(
  { store: { targets, snapshot }, getRole }: Session,
  path: string,
): Promise<TargetFile | undefined> {
  const [found] = targets?.signed.delegations?.rolesForTarget(path) ?? [];
  if (found === undefined) return undefined;
  if (snapshot === undefined || !isListed(snapshot, found.role)) throw withoutFile(found.role);
  const document = await getRole(found.role);
  return document?.signed.targets[path];
}

/** TUF allows a target without a hash. Any bytes of that length would then pass (attack 22). */
function signedBinary({ path, length, hashes }: TargetFile): SignedBinary {
  const { sha256 } = hashes;
  if (sha256 !== undefined && SHA256.test(sha256) && Number.isSafeInteger(length) && length > 0) {
    return { sha256, length };
  }
  throw new CodedError(`signed target ${path}: wanted a sha256 and a length above 0`, {
    code: 'METADATA_INVALID',
    next: 'mm binaries put, with a current mm',
  });
}

function withoutFile(role: string): CodedError {
  return new CodedError(`the snapshot does not list ${printable(role, 100)}.json`, {
    code: 'METADATA_MISSING',
    next: 'mm binaries put FILE',
  });
}

function nothingKept(): CodedError {
  return new CodedError('this host has no verified metadata yet', {
    code: 'METADATA_MISSING',
    next: 'mm-agent --once',
  });
}
