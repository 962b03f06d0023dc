import { lstatSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SHA256 } from '../../bucket/documents/name-rules.ts';
import { orUndefined } from '../../shared/files.ts';
import { type HostPaths, releasePaths } from '../paths.ts';
import { activeReleases, namesIn } from './activate.ts';
import { releaseOfPartial } from './fetch/partial-download.ts';
import { isUnpacked } from './unpack/unpack.ts';

/** Number of run directories that stay, for a person who looks for the cause of a failure. */
const RUNS_KEPT = 5;

export interface PruneOptions {
  /** Releases to keep, `releases.keep`. */
  readonly keep: number;
  /** sha256 of the last release that a run applied without failures. */
  readonly lastGood: string | undefined;
  /** sha256 of the release that `mm-agent pin` keeps the host on. */
  readonly pinned?: string | undefined;
  /** The environments that this host follows. */
  readonly environments: readonly string[];
  /** `run.keep`. */
  readonly keepRuns: number;
  /** ms since 1970. */
  readonly now: number;
}

/**
 * Removes old releases, downloads, old run directories, and files that crashes left behind. The
 * active release of each environment and the last good one always stay, then the newest ones up to
 * `keep`. The caller holds the cycle lock. Returns the releases that were removed.
 */
export function prune(paths: HostPaths, options: PruneOptions): readonly string[] {
  unlinkTriedEnvironments(paths, options);
  // Must come first: when the links cannot be read, nothing may be removed.
  const wanted = new Set(activeReleases(paths));
  if (options.lastGood !== undefined) wanted.add(options.lastGood);
  if (options.pinned !== undefined) wanted.add(options.pinned);
  const removed = pruneReleases(paths, wanted, options.keep);
  pruneBlobs(paths, options.now);
  const runs = newestFirst(paths.runs, () => true);
  for (const run of runs.slice(RUNS_KEPT)) rmSync(join(paths.runs, run), { recursive: true });
  pruneHistory(paths.history, options.keepRuns);
  return removed;
}

/** Also removes the output of a run without an entry, which a crash left behind. */
function pruneHistory(directory: string, keep: number): void {
  const runOf = (name: string) => name.replace(/(\.json|\.log\.gz)$/, '');
  const entries = newestFirst(directory, (name) => name.endsWith('.json')).map(runOf);
  const kept = new Set(entries.slice(0, keep));
  for (const name of namesIn(directory)) {
    if (!kept.has(runOf(name))) rmSync(join(directory, name), { recursive: true, force: true });
  }
}

/** How long an environment that was only tried with `--environment` keeps its release. */
const TRIED_KEPT_MS = 7 * 86_400_000;

function unlinkTriedEnvironments(paths: HostPaths, { environments, now }: PruneOptions): void {
  for (const name of namesIn(paths.environments)) {
    if (environments.includes(name)) continue;
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

/**
 * How long a partial download is kept that no cycle continues, for example of a release that was
 * replaced.
 */
const PARTIAL_KEPT_MS = 7 * 86_400_000;

/**
 * A tarball is not needed once its release is unpacked. The newest tarball that could not be
 * unpacked stays, and so does the newest partial one, so that the next poll does not fetch it
 * again.
 */
function pruneBlobs(paths: HostPaths, now: number): void {
  const kept = { tarball: false, partial: false };
  for (const name of newestFirst(paths.blobs, () => true)) {
    const path = join(paths.blobs, name);
    const partialOf = releaseOfPartial(name);
    const sha256 = partialOf ?? name.match(/^([0-9a-f]{64})\.tar\.gz$/)?.[1];
    const kind = partialOf === undefined ? 'tarball' : 'partial';
    const isOld = kind === 'partial' && now - lstatSync(path).mtimeMs > PARTIAL_KEPT_MS;
    const isWaiting = sha256 !== undefined && !isUnpacked(releasePaths(paths, sha256).directory);
    if (!isWaiting || isOld || kept[kind]) rmSync(path, { recursive: true, force: true });
    else kept[kind] = true;
  }
}

function newestFirst(directory: string, matches: (name: string) => boolean): string[] {
  const names = namesIn(directory).filter(matches);
  const dated = names.map((name) => ({ name, at: lstatSync(join(directory, name)).mtimeMs }));
  return dated.sort((a, b) => b.at - a.at || (a.name < b.name ? 1 : -1)).map(({ name }) => name);
}
