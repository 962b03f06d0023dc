import { CodedError } from '../../shared/coded-error.ts';
import {
  foldedPath,
  leavesRelease,
  leavingProblem,
  MAX_PATH_BYTES,
  type NameRules,
  pathProblem,
  targetProblem,
} from '../documents/tree-rules.ts';

/** An entry as the archive's header describes it. An attacker may control all of it. */
export interface ArchiveEntry {
  /** As node-tar names the type. */
  readonly type: string;
  readonly path: string;
  readonly linkpath?: string | undefined;
  readonly mode?: number | undefined;
}

/** An entry that may be written. `path` is relative to the tree, and each part is a plain name. */
export type SafeEntry =
  | { readonly kind: 'file'; readonly path: string; readonly isExecutable: boolean }
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

export interface UnpackRulesOptions {
  readonly maxFiles: number;
  /** `portable` where the file system ignores case. */
  readonly names: NameRules;
  /** What the signed metadata says of links that leave the release. */
  readonly links: 'keep' | 'refuse';
}

/**
 * Decides for each entry, before any of it is written, whether it may be unpacked. It remembers the
 * earlier entries and refuses a second entry of the same name, an entry below a link, and two names
 * that are equal on a file system that ignores case.
 */
export class UnpackRules {
  readonly #options: UnpackRulesOptions;
  /** The entries so far, by their path. Where case is ignored, the path is folded. */
  readonly #seen = new Map<string, Seen>();
  #leavingLinks = 0;

  constructor(options: UnpackRulesOptions) {
    this.#options = options;
  }

  /** Links so far that leave the release. */
  get leavingLinks(): number {
    return this.#leavingLinks;
  }

  /** Undefined for the tree itself. Throws ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE. */
  check(entry: ArchiveEntry): SafeEntry | undefined {
    const { type, mode } = entry;
    const kind = KIND[type];
    if (kind === undefined)
      throw unsafe(
        entry,
        `is a ${type}; only files, directories and symbolic links may be in a release`,
      );
    if (mode === undefined) throw unsafe(entry, 'has no readable mode');
    if ((mode & 0o7000) !== 0) throw unsafe(entry, 'is setuid, setgid or sticky');
    const path = this.#plainPath(entry, kind);
    if (path === '') return undefined;
    this.#remember(entry, path, kind);
    switch (kind) {
      case 'file':
        return { kind, path, isExecutable: (mode & 0o100) !== 0 };
      case 'directory':
        return { kind, path };
      case 'link':
        return { kind, path, target: this.#targetOf(entry, path) };
    }
  }

  #remember(entry: ArchiveEntry, path: string, kind: SafeEntry['kind']): void {
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      const parent = path.slice(0, slash);
      const there = this.#seen.get(this.#key(parent));
      if (there === undefined)
        this.#add(parent, { path: parent, kind: 'directory', isGiven: false });
      else if (there.path !== parent) throw clash(entry, there.path);
      else if (there.kind !== 'directory')
        throw unsafe(entry, `is below ${quoted(parent)}, which is a ${there.kind}`);
    }
    const there = this.#seen.get(this.#key(path));
    if (there !== undefined && there.path !== path) throw clash(entry, there.path);
    if (there !== undefined && (there.isGiven || kind !== 'directory'))
      throw unsafe(entry, 'has two entries');
    this.#add(path, { path, kind, isGiven: true });
  }

  #add(path: string, seen: Seen): void {
    const { maxFiles } = this.#options;
    this.#seen.set(this.#key(path), seen);
    if (this.#seen.size > maxFiles) {
      throw new CodedError(
        `the release has more than ${maxFiles} files, directories and links; ${quoted(path)} is above the limit`,
        {
          code: 'ARCHIVE_TOO_LARGE',
          next: 'raise releases.max_files in agent.yaml',
        },
      );
    }
  }

  #key(path: string): string {
    return this.#options.names === 'portable' ? foldedPath(path) : path;
  }

  /** The path without tar's leading "./" and a directory's final "/"; '' for the tree itself. */
  #plainPath(entry: ArchiveEntry, kind: SafeEntry['kind']): string {
    let { path } = entry;
    if (path.startsWith('./')) path = path.slice(2);
    if (kind === 'directory') path = path.replace(/\/$/, '');
    if (kind === 'directory' && (path === '' || path === '.') && entry.path !== '/') return '';
    const problem = pathProblem(path, this.#options.names);
    if (problem !== undefined) throw unsafe(entry, problem);
    return path;
  }

  #targetOf(entry: ArchiveEntry, path: string): string {
    const { names, links } = this.#options;
    const target = entry.linkpath ?? '';
    const problem = targetProblem(target, names);
    if (problem !== undefined) throw unsafe(entry, problem);
    if (!leavesRelease(path, target)) return target;
    if (links === 'refuse') throw unsafe(entry, leavingProblem(target));
    this.#leavingLinks++;
    return target;
  }
}

interface Seen {
  readonly path: string;
  readonly kind: SafeEntry['kind'];
  /** False for a directory without an entry of its own so far. */
  readonly isGiven: boolean;
}

const KIND: Readonly<Record<string, SafeEntry['kind']>> = {
  File: 'file',
  OldFile: 'file',
  Directory: 'directory',
  SymbolicLink: 'link',
};

/** The error for an entry that must not be unpacked. */
export function unsafe(entry: Pick<ArchiveEntry, 'path'>, why: string): CodedError {
  return new CodedError(
    `the release's tarball is not safe to unpack: ${quoted(entry.path)} ${why}`,
    {
      code: 'ARCHIVE_UNSAFE',
      next: 'publish the release again with "mm publish"',
      details: { entry: entry.path.slice(0, MAX_PATH_BYTES) },
    },
  );
}

function clash(entry: ArchiveEntry, other: string): CodedError {
  return unsafe(entry, `and ${quoted(other)} are the same name on a file system that ignores case`);
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}
