import type { Metadata, Targets } from '@tufjs/models';
import { expiredRoles } from '../metadata/expiry.ts';
import {
  answeringRole,
  delegatedRole,
  isListed,
  readAnyOffer,
  readOffer,
} from '../metadata/offer.ts';
import type { MetadataSource } from '../metadata/source.ts';
import type { EnvironmentOffer, Trusted } from '../metadata/trusted.ts';
import { MetadataFetcher } from './fetcher.ts';
import { type RootChain, rootFile } from './root-chain.ts';
import { openSession, type Session } from './session.ts';

/*
 * One pass of TUF's client workflow. root-chain.ts walks the roots, session.ts runs tuf-js,
 * fetcher.ts gives it files, inspect.ts and key-identity.ts check what TUF does not, and
 * classify.ts turns refusals into codes.
 */

/** One pass of the TUF client workflow over the stored files and the sources. */
export interface PassOptions {
  readonly chain: RootChain;
  readonly local: ReadonlyMap<string, Buffer>;
  /** Roles whose earlier file had a signed `x-role`. */
  readonly named: ReadonlySet<string>;
  readonly timestamp: Buffer;
  /** Where files and newer roots come from; undefined: nothing is fetched. */
  readonly source: MetadataSource | undefined;
  readonly rootSource: MetadataSource | undefined;
  readonly environments: readonly string[];
  /** More environments, which depend on the verified targets. */
  readonly alsoEnvironments?: ((targets: Metadata<Targets>) => readonly string[]) | undefined;
  /** ms since 1970, guarded. */
  readonly now: number;
  readonly acceptExpired: boolean;
  /** For publishers: reports what hosts cannot read in an offer, instead of refusing it. */
  readonly acceptUnreadable?: boolean | undefined;
  /** Called after the verification, to read more targets. */
  readonly alsoRead?: ((session: Session) => Promise<void>) | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Verified roots stay verified, also when a later file was refused (TUF 5.3.8). */
export interface PassEnd {
  readonly outcome:
    | { readonly kind: 'trusted'; readonly trusted: Trusted }
    | { readonly kind: 'refused'; readonly error: unknown };
  /** Every trusted file except roots, by file name. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly rootVersion: number;
  /** All roots from the installed one on, by file name. */
  readonly roots: ReadonlyMap<string, Buffer>;
  readonly askedForRoot: boolean;
}

export async function pass(options: PassOptions): Promise<PassEnd> {
  const { chain, local, named, now, acceptExpired, acceptUnreadable = false } = options;
  const fetcher = new MetadataFetcher({ ...options, acceptUnreadable, treeId: chain.treeId });
  const session = openSession({
    ...{ root: chain.newest, local, named, fetcher, now, acceptExpired, acceptUnreadable },
  });
  const outcome = await verify(session, options);
  const rootVersion = session.store.root.signed.version;
  const roots = new Map(chain.roots);
  for (let version = chain.version + 1; version <= rootVersion; version += 1) {
    const bytes = fetcher.roots.get(rootFile(version));
    if (bytes !== undefined) roots.set(rootFile(version), bytes);
  }
  const { askedForRoot } = fetcher;
  return { outcome, files: session.files, rootVersion, roots, askedForRoot };
}

async function verify(session: Session, options: PassOptions): Promise<PassEnd['outcome']> {
  try {
    await session.refresh();
    const trusted = await readSession(session, options);
    await options.alsoRead?.(session);
    return { kind: 'trusted', trusted };
  } catch (error) {
    return { kind: 'refused', error: session.explain(error) };
  }
}

async function readSession(session: Session, options: PassOptions): Promise<Trusted> {
  const { store } = session;
  const { root, timestamp, snapshot, targets } = store;
  if (!timestamp || !snapshot || !targets) throw new TypeError('the workflow ended early');
  const environments = new Map<string, EnvironmentOffer>();
  const roles: [string, typeof targets][] = [];
  const also = options.alsoEnvironments?.(targets) ?? [];
  for (const environment of new Set([...options.environments, ...also])) {
    const role =
      options.acceptUnreadable === true
        ? delegatedRole(targets, environment)
        : answeringRole(targets, snapshot, environment);
    environments.set(environment, await readEnvironment(session, options, { environment, role }));
    const document = role === undefined ? undefined : store.getRole(role);
    if (role !== undefined && document !== undefined) roles.push([role, document]);
  }
  const all = [...Object.entries({ root, timestamp, snapshot, targets }), ...roles];
  const versions = Object.fromEntries(all.map(([role, { signed }]) => [role, signed.version]));
  const expires = Object.fromEntries(all.map(([role, { signed }]) => [role, signed.expires]));
  return {
    treeId: options.chain.treeId,
    versions,
    expires,
    expired: expiredRoles(expires, options.now),
    environments,
    metadata: { root, timestamp, snapshot, targets, roles: new Map(roles) },
  };
}

/**
 * Reads the file of this role and no other file. mm delegates nothing below it. Roles to which a
 * thief of its key delegates would cost each host up to 32 files of 5 MB, and lead to releases that
 * no publisher looks at.
 */
async function readEnvironment(
  { store: { snapshot }, getRole }: Session,
  { acceptUnreadable = false }: PassOptions,
  { environment, role }: { readonly environment: string; readonly role: string | undefined },
): Promise<EnvironmentOffer> {
  // The file can be missing after a recovery; a publication then makes the first one.
  const isThere = snapshot !== undefined && role !== undefined && isListed(snapshot, role);
  const document = isThere ? await getRole(role) : undefined;
  if (acceptUnreadable) return readAnyOffer(role, document, environment);
  return readOffer(role, document?.signed.targets, environment);
}
