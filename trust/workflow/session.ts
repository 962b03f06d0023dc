import type { Metadata, Targets } from '@tufjs/models';
import { Updater, type UpdaterOptions } from 'tuf-js';
import { ExpiredMetadataError, RuntimeError } from 'tuf-js/dist/error.js';
import { TrustedMetadataStore } from 'tuf-js/dist/store.js';
import { printable } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { MAX_FILE_BYTES } from '../metadata/file-limits.ts';
import { roleFile } from '../metadata/role-names.ts';
import { unreadableRole } from '../metadata/unreadable-role.ts';
import { isLeap, MAX_VERSION_STEP } from '../metadata/version-limits.ts';
import './linear-models.ts';
import { type Refusal, refusalToError } from './classify.ts';
import { METADATA_BASE_URL, type MetadataFetcher } from './fetcher.ts';
import { namesRole, refusalOf } from './inspect.ts';

/**
 * `Updater` as it is at run time. Its published type hides the methods that take and return bytes.
 * tuf-js is pinned to an exact version, and the folder given to it does not exist: a version with
 * other internals fails at the first file.
 */
interface OpenUpdater {
  trustedSet: TrustedMetadataStore;
  refresh(): ReturnType<Updater['refresh']>;
  getTargetInfo(path: string): ReturnType<Updater['getTargetInfo']>;
  loadTargets(role: string, delegator: string): Promise<Metadata<Targets> | undefined>;
  loadLocalMetadata(name: string): Buffer;
  persistMetadata(name: string, bytes: Buffer): void;
}
const OpenUpdater = Updater as unknown as new (options: UpdaterOptions) => OpenUpdater;

/**
 * One pass of the TUF client workflow in memory. The library decides; the caller stores the result.
 */
export interface Session {
  readonly store: TrustedMetadataStore;
  /** The file of every role that the store trusts, by file name, without the root. */
  readonly files: ReadonlyMap<string, Buffer>;
  refresh(): Promise<void>;
  /** TUF's search through nested delegations. mm and hosts never delegate that far. */
  getTargetInfo: OpenUpdater['getTargetInfo'];
  /** The document of a role that targets delegates. */
  getRole(role: string): Promise<Metadata<Targets> | undefined>;
  /** What the library threw, as a CodedError. */
  explain(error: unknown): unknown;
}

export interface SessionOptions {
  /** Verified: the workflow starts from it. */
  readonly root: Buffer;
  /**
   * Not trusted yet: what an earlier pass kept, for example `timestamp.json` and `env-stable.json`.
   */
  readonly local: ReadonlyMap<string, Buffer>;
  readonly fetcher: MetadataFetcher;
  /** ms since 1970. Every expiry of this pass is checked against it (TUF 5.1). */
  readonly now: number;
  readonly acceptExpired: boolean;
  /** Roles whose earlier file had a signed `x-role`. */
  readonly named: ReadonlySet<string>;
  /** For publishers, see unreadable-role.ts. */
  readonly acceptUnreadable: boolean;
}

/** Starts a pass at `root`. Nothing is fetched before `refresh`. */
export function openSession(options: SessionOptions): Session {
  const { root, local, fetcher, now } = options;
  const offered = new Map([...local, ['root.json', root]]);
  const store = new ObservedStore(options);
  const updater = new (class extends OpenUpdater {
    override loadLocalMetadata(name: string): Buffer {
      const bytes = offered.get(roleFile(name));
      if (bytes === undefined) throw new Error(`${name}.json is not here`);
      return bytes;
    }
    override persistMetadata(): void {
      // The store below keeps the bytes of every file that it accepts, local or fetched.
    }
  })({
    ...{ metadataDir: '/nonexistent', metadataBaseUrl: METADATA_BASE_URL, fetcher },
    config: {
      rootMaxLength: MAX_FILE_BYTES.root,
      snapshotMaxLength: MAX_FILE_BYTES.snapshot,
      targetsMaxLength: MAX_FILE_BYTES.targets,
    },
  });
  updater.trustedSet = store;
  return {
    store,
    files: store.files,
    refresh: () => updater.refresh(),
    getTargetInfo: (path) => updater.getTargetInfo(path),
    getRole: (role) => updater.loadTargets(role, 'targets'),
    explain(error) {
      if (error instanceof CodedError) return error;
      if (fetcher.failure !== undefined) return fetcher.failure;
      // RuntimeError is the library's wrapper; it has only the text of the cause.
      const isOfStore = error instanceof RuntimeError || error === store.refusal?.error;
      const refusal = isOfStore ? store.refusal : undefined;
      return refusalToError(refusal ?? { role: 'metadata', error, checkedAt: now });
    },
  };
}

/**
 * Throws METADATA_INVALID when a version grows by more than honest use explains. Must run after the
 * signatures were verified: before that, anyone could have written the version.
 */
function refuseLeap(what: string, before: number | undefined, next: number): void {
  if (!isLeap(before, next)) return;
  throw new CodedError(
    `the version of ${printable(what, 100)} leaps from ${before} to ${next}, by more than ${MAX_VERSION_STEP}`,
    {
      code: 'METADATA_INVALID',
      next: 'find out who signed it; then mm key rotate --role online --recover',
      details: { leap: { before, next } },
    },
  );
}

/** Throws METADATA_MISMATCH for a file without a signed `x-role`, when an earlier file had one. */
function refuseUnnamed(role: string, named: ReadonlySet<string>, next: Buffer): void {
  if (!named.has(role) || namesRole(next)) return;
  throw new CodedError(
    `${printable(role, 100)} is offered with a file that does not name its role, as the one before did`,
    {
      code: 'METADATA_MISMATCH',
      next: 'find out who signed it: an older mm, or somebody who exchanged files of two roles; publish it again with a current mm',
      details: { role },
    },
  );
}

/**
 * The library's store of verified metadata, with our clock. Remembers what it accepted and refused.
 */
class ObservedStore extends TrustedMetadataStore {
  readonly files = new Map<string, Buffer>();
  refusal: Refusal | undefined;
  readonly #now: number;
  readonly #named: ReadonlySet<string>;
  readonly #acceptsUnreadable: boolean;
  readonly #unreadable = new Map<string, Metadata<Targets>>();

  constructor({ root, now, named, acceptExpired, acceptUnreadable }: SessionOptions) {
    super(root);
    this.#now = now;
    this.#named = named;
    this.#acceptsUnreadable = acceptUnreadable;
    // The library uses the clock of the machine and has no parameter for another one. To accept
    // expired files the time is invalid, because nothing has expired then; no valid time is early
    // enough for every expiry that a thief can sign.
    Object.assign(this, { referenceTime: new Date(acceptExpired ? Number.NaN : now) });
  }

  override updateRoot(bytes: Buffer): ReturnType<TrustedMetadataStore['updateRoot']> {
    return this.#observe('root', bytes, () => super.updateRoot(bytes));
  }

  override updateTimestamp(bytes: Buffer): ReturnType<TrustedMetadataStore['updateTimestamp']> {
    const before = this.timestamp?.signed;
    return this.#observe('timestamp', bytes, () => {
      const next = super.updateTimestamp(bytes);
      refuseLeap('timestamp', before?.version, next.signed.version);
      refuseLeap('snapshot', before?.snapshotMeta.version, next.signed.snapshotMeta.version);
      return next;
    });
  }

  override updateSnapshot(
    bytes: Buffer,
    trusted?: boolean,
  ): ReturnType<TrustedMetadataStore['updateSnapshot']> {
    const before = this.snapshot?.signed.meta;
    return this.#observe('snapshot', bytes, () => {
      const next = super.updateSnapshot(bytes, trusted);
      for (const [file, { version }] of Object.entries(next.signed.meta)) {
        refuseLeap(file, before?.[file]?.version, version);
      }
      return next;
    });
  }

  override updateDelegatedTargets(bytes: Buffer, role: string, delegator: string): void {
    this.#observe(role, bytes, () => {
      // The file of a host was inspected when it was read.
      const refusal = this.#acceptsUnreadable ? refusalOf(bytes, roleFile(role)) : undefined;
      try {
        if (refusal !== undefined) throw refusal;
        super.updateDelegatedTargets(bytes, role, delegator);
      } catch (error) {
        if (!this.#isUnreadable(bytes, { role, delegator, refusal })) throw error;
      }
      refuseUnnamed(role, this.#named, bytes);
    });
  }

  override getRole(name: string): Metadata<Targets> | undefined {
    return this.#unreadable.get(name) ?? super.getRole(name);
  }

  /** Checks what the library checks, except for expiry: a publisher replaces the file anyway. */
  #isUnreadable(
    bytes: Buffer,
    given: {
      readonly role: string;
      readonly delegator: string;
      readonly refusal: CodedError | undefined;
    },
  ): boolean {
    const { role, delegator, refusal } = given;
    const { targets, snapshot } = this;
    const entry = snapshot?.signed.meta[`${role}.json`];
    if (!this.#acceptsUnreadable || delegator !== 'targets' || !targets || !entry) return false;
    entry.verify(bytes);
    const document = unreadableRole(bytes, role, { delegator: targets, refusal });
    if (document?.signed.version !== entry.version) return false;
    this.#unreadable.set(role, document);
    return true;
  }

  #observe<T>(role: string, bytes: Buffer, step: () => T): T {
    try {
      const result = step();
      if (role !== 'root') this.files.set(roleFile(role), bytes);
      return result;
    } catch (error) {
      this.refusal = { role: this.#culprit(role, error), error, checkedAt: this.#now };
      throw error;
    }
  }

  /**
   * The library notices an expired file at the next step: a timestamp when it reads the snapshot
   * (TUF 5.4.4).
   */
  #culprit(step: string, error: unknown): string {
    if (!(error instanceof ExpiredMetadataError)) return step;
    const { root, timestamp, snapshot } = this;
    const now = new Date(this.#now);
    return (
      [root, timestamp, snapshot].find((document) => document?.signed.isExpired(now))?.signed
        .type ?? step
    );
  }
}
