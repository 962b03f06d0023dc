import { lstatSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SHA256 } from '../../bucket/documents/name-rules.ts';
import { orUndefined } from '../../shared/files.ts';
import { type HostPaths, releasePaths } from '../paths.ts';
import { activeReleases, namesIn } from './activate.ts';
import { releaseOfPartial } from './partial-download.ts';
import { isUnpacked } from './unpack/unpack.ts';

/** Run directories that stay for a person who looks for the cause of a failure. */
const RUNS_KEPT = 5;

export interface PruneOptions {
  /** Releases to keep, `releases.keep`. */
  readonly keep: number;
  /** sha256 of the last release that a run applied without failures. */
  readonly lastGood: string | undefined;
  /** The environment that this host follows. */
  readonly environment: string;
  /** ms since 1970. */
  readonly now: number;
}

/**
 * Removes old releases, downloads, old run directories, and what crashes left over. The active
 * release of each environment and the last good one always stay, then the newest ones up to
 * `keep`. The caller holds the cycle lock. Returns the releases that were removed.
 */
export function prune(paths: HostPaths, options: PruneOptions): readonly string[] {
  unlinkTriedEnvironments(paths, options);
  // Must come first: when the links cannot be read, nothing may be removed.
  const wanted = new Set(activeReleases(paths));
  if (options.lastGood !== undefined) wanted.add(options.lastGood);
  const removed = pruneReleases(paths, wanted, options.keep);
  pruneBlobs(paths, options.now);
  const runs = newestFirst(paths.runs, () => true);
  for (const run of runs.slice(RUNS_KEPT)) rmSync(join(paths.runs, run), { recursive: true });
  return removed;
}

/** How long an environment that somebody tried with `--environment` keeps its release. */
const TRIED_KEPT_MS = 7 * 86_400_000;

function unlinkTriedEnvironments(paths: HostPaths, { environment, now }: PruneOptions): void {
  for (const name of namesIn(paths.environments)) {
    if (name === environment) continue;
    const link = join(paths.environments, name);
    const found = orUndefined(() => lstatSync(link));
    if (found?.isSymbolicLink() && now - found.mtimeMs > TRIED_KEPT_MS) rmSync(link);
  }
}

function pruneReleases(paths: HostPaths, wanted: ReadonlySet<string>, keep: number): string[] {
  const isRelease = (name: string) => SHA256.test(name);
  const releases = newestFirst(paths.releases, isRelease);
  const isThere = releases.filter((sha256) => wanted.has(sha256)).length;
  const others = releases.filter((sha256) => !wanted.has(sha256));
  const removed = others.slice(Math.max(0, keep - isThere));
  for (const sha256 of removed) {
    const { directory } = releasePaths(paths, sha256);
    // Renamed first: a partly deleted release must never have the name of a complete one.
    renameSync(directory, `${directory}.deleting`);
  }
  for (const name of namesIn(paths.releases)) {
    if (/\.(partial|deleting)$/.test(name)) {
      rmSync(join(paths.releases, name), { recursive: true, force: true });
    }
  }
  return removed;
}

/** A download that nobody goes on with, for example of a release that was replaced meanwhile. */
const PARTIAL_KEPT_MS = 7 * 86_400_000;

/**
 * A tarball is not needed once its release is unpacked. One that could not be unpacked stays, and
 * so does one that broke off, so that the next poll need not fetch it again; of each only the
 * newest.
 */
function pruneBlobs(paths: HostPaths, now: number): void {
  const kept = { tarball: false, partial: false };
  for (const name of newestFirst(paths.blobs, () => true)) {
    const path = join(paths.blobs, name);
    const partialOf = releaseOfPartial(name);
    const sha256 = partialOf ?? name.match(/^([0-9a-f]{64})\.tar\.gz$/)?.[1];
    const kind = partialOf === undefined ? 'tarball' : 'partial';
    const isOld = kind === 'partial' && now - statSync(path).mtimeMs > PARTIAL_KEPT_MS;
    const isWaiting = sha256 !== undefined && !isUnpacked(releasePaths(paths, sha256).directory);
    if (!isWaiting || isOld || kept[kind]) rmSync(path, { force: true });
    else kept[kind] = true;
  }
}

function newestFirst(directory: string, matches: (name: string) => boolean): string[] {
  const names = namesIn(directory).filter(matches);
  const dated = names.map((name) => ({ name, at: statSync(join(directory, name)).mtimeMs }));
  return dated.sort((a, b) => b.at - a.at || (a.name < b.name ? 1 : -1)).map(({ name }) => name);
}
