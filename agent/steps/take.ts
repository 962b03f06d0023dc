import type { Agent } from '../agent.ts';
import { activeOf, type Draft } from '../core/draft.ts';
import { releasePaths } from '../paths.ts';
import { activate } from './activate.ts';
import { fetchRelease } from './fetch.ts';
import { isUnpacked, unpack } from './unpack/unpack.ts';

/** Fetch, verify, unpack, activate: each step leaves either nothing or all of its work. Throws CodedErrors. */
export async function take(agent: Agent, draft: Draft, stop: AbortSignal): Promise<void> {
  const { release } = draft;
  if (release === undefined) throw new TypeError('a decision to take needs a release');
  const { identity, paths, ports, config } = agent;
  const { sha256, custom } = release;
  const labels = { version: custom.version, sha256, commit: custom.commit };
  const { directory } = releasePaths(paths, sha256);
  // A release of before may still lie here whole: going back to it costs no download.
  if (!isUnpacked(directory)) {
    ports.log.info('release.fetching', { ...labels, bytes: release.length });
    const tarball = await fetchRelease({
      bucket: ports.bucket,
      tree: identity.tree,
      release,
      directory: paths.blobs,
      maxBytes: config.releases.max_tarball_bytes,
      signal: stop,
    });
    draft.downloaded = true;
    const limits = { maxBytes: config.releases.max_bytes, maxFiles: config.releases.max_files };
    await unpack(tarball, directory, { limits, signal: stop });
  }
  activate(paths, { environment: identity.environment, sha256 });
  const now = new Date(ports.clock.now()).toISOString();
  draft.active = activeOf(sha256, custom, now);
  draft.activated = true;
  draft.offered = null;
  ports.log.info('release.activated', labels);
}
