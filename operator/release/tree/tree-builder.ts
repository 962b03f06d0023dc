import { CodedError } from '../../../shared/coded-error.ts';
import type { ExcludeRules, Exclusion } from './exclude.ts';
import type { Content, Spool } from './spool.ts';
import { type FileEntry, LIMITS, type TreeEntry, type Withheld } from './tree.ts';

/** Files that a rule kept out of a release. */
export interface LeftOut {
  readonly path: string;
  readonly why: Exclusion;
  readonly bytes: number;
}

/** A directory that is a checkout of another git repository. */
export interface Checkout {
  readonly path: string;
  readonly source: string | null;
  readonly commit: string | null;
}

/** One at a time: the next writer starts after this one ended. */
export interface FileWriter {
  write(chunk: Buffer): void;
  end(): void;
}

/**
 * Collects the entries that a source finds. Excluded ones are counted, and their content is neither
 * kept nor counted against the limit. Throws ARCHIVE_TOO_LARGE.
 */
export class TreeBuilder {
  readonly entries: TreeEntry[] = [];
  readonly leftOut: LeftOut[] = [];
  readonly withheld: Withheld[] = [];
  readonly emptySubmodules: string[] = [];
  readonly checkouts: Checkout[] = [];
  readonly #spool: Spool;
  readonly #rules: ExcludeRules;
  #bytes = 0;

  constructor(spool: Spool, rules: ExcludeRules) {
    this.#spool = spool;
    this.#rules = rules;
  }

  /** Whether the path is published. Counts it as left out otherwise. */
  accepts(path: string, bytes = 0): boolean {
    const why = this.#rules.exclusionOf(path);
    if (why !== undefined) this.leftOut.push({ path, why, bytes });
    return why === undefined;
  }

  /** The caller has asked {@link accepts}. The entry appears when the writer ends. */
  file(path: string, isExecutable: boolean): FileWriter {
    return this.#writer(path, (content) =>
      this.#add({ kind: 'file', path, isExecutable, content }),
    );
  }

  /** Replaces the content of the entry, for example by the output of a filter. */
  replace(entry: FileEntry): FileWriter {
    return this.#writer(entry.path, (content) => {
      this.entries[this.entries.indexOf(entry)] = { ...entry, content };
    });
  }

  #writer(path: string, onEnd: (content: Content) => void): FileWriter {
    const writer = this.#spool.writer();
    return {
      write: (chunk) => {
        this.#bytes += chunk.length;
        if (this.#bytes > LIMITS.bytes) throw tooLarge(path);
        writer.write(chunk);
      },
      end: () => onEnd(writer.end()),
    };
  }

  link(path: string, target: string): void {
    this.#add({ kind: 'link', path, target });
  }

  withhold(path: string, why: string): void {
    if (this.accepts(path)) this.withheld.push({ path, why });
  }

  #add(entry: TreeEntry): void {
    this.entries.push(entry);
    // Only stops an endless directory, such as one mounted into itself; check.ts has the real
    // limit.
    if (this.entries.length > 2 * LIMITS.entries) throw tooLarge(entry.path);
  }
}

function tooLarge(path: string): CodedError {
  const { bytes, entries } = LIMITS;
  return new CodedError(
    `a release has at most ${bytes} bytes and ${entries} files; ${path} is past that`,
    {
      code: 'ARCHIVE_TOO_LARGE',
      next: 'leave large files out with publish.exclude in miyamoto.yaml, or put them below binaries/',
    },
  );
}
