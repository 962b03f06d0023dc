import type { OfferedRelease } from '../../bucket/documents/release.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { asFileError } from '../../shared/disk-error.ts';
import type { Agent, CycleRequest } from '../agent.ts';
import { activeReleaseOf, type Findings, type Found } from '../core/findings.ts';
import { earlierRefusal, refusalOf } from '../core/refusal.ts';
import { releasePaths } from '../paths.ts';
import type { LogFields } from '../ports.ts';
import { activate } from './activate.ts';
import { fetchRelease } from './fetch/fetch.ts';
import { describeRelease } from './read-host.ts';
import { isUnpacked, type LinkRule, requireAllowedLinks, unpack } from './unpack/unpack.ts';

/**
 * Fetches, verifies, unpacks and activates the offered release. Each of these steps is atomic, so a
 * killed cycle is simply repeated. A release that cannot be installed is a result of kind `failed`;
 * errors without a code are bugs and are thrown.
 */
export async function install(
  agent: Agent,
  request: CycleRequest,
  { state, refresh }: Findings,
  stop: AbortSignal,
): Promise<Found> {
  const release = refresh?.kind === 'verified' ? refresh.release : undefined;
  if (release === undefined) throw new TypeError('a decision to install needs a release');
  const { identity, paths, ports } = agent;
  const { sha256, custom } = release;
  const offer = refresh?.kind === 'verified' ? refresh.offer : undefined;
  if (offer?.kind === 'offered' && offer.sha256 !== sha256) {
    return activatePinned(agent, state, offer);
  }
  const links = custom.links ?? 'refuse';
  const view = { trigger: request.trigger, now: ports.clock.now() };
  const refused = earlierRefusal(state.refused, sha256, view);
  if (refused !== undefined) return failed(agent, refused, { downloaded: false });

  let downloaded = false;
  try {
    const { directory } = releasePaths(paths, sha256);
    // An earlier release may still be complete on the disk: a rollback needs no download.
    if (isUnpacked(directory)) requireAllowedLinks(directory, links);
    else {
      const tarball = await fetch(agent, release, stop);
      downloaded = true;
      await unpackRelease(agent, tarball, { links, signal: stop });
    }
    activate(paths, { environment: identity.environment, sha256 });
  } catch (thrown) {
    const error = asFileError(thrown);
    if (!(error instanceof CodedError) || stop.aborted) throw error;
    const found = failed(agent, error, { downloaded });
    return { ...found, state: { refused: refusalOf(sha256, error, ports.clock.now()) } };
  }
  ports.log.info('release.activated', labelsOf(release));
  const now = new Date(ports.clock.now()).toISOString();
  return {
    active: activeReleaseOf(sha256, custom, now),
    install: { kind: 'installed', downloaded },
    state: { refused: null },
  };
}

/**
 * Activates an installed release that the host is pinned to. No metadata says whether its links may
 * leave it, so they may not.
 */
function activatePinned(
  agent: Agent,
  state: Findings['state'],
  { sha256, version }: { readonly sha256: string; readonly version: string },
): Found {
  const { identity, paths, ports } = agent;
  try {
    requireAllowedLinks(releasePaths(paths, sha256).directory, 'refuse');
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return failed(agent, error, { downloaded: false });
  }
  activate(paths, { environment: identity.environment, sha256 });
  ports.log.info('release.activated', { version, sha256, why: 'pinned' });
  const active = describeRelease(agent, state, sha256);
  return { active, install: { kind: 'installed', downloaded: false } };
}

async function fetch(
  { identity, paths, ports, config }: Agent,
  release: OfferedRelease,
  signal: AbortSignal,
): ReturnType<typeof fetchRelease> {
  ports.log.info('release.fetching', { ...labelsOf(release), bytes: release.length });
  return await fetchRelease({
    bucket: ports.bucket,
    tree: identity.tree,
    release,
    directory: paths.blobs,
    maxBytes: config.releases.max_tarball_bytes,
    signal,
  });
}

async function unpackRelease(
  { paths, config }: Agent,
  tarball: Awaited<ReturnType<typeof fetchRelease>>,
  options: { readonly links: LinkRule; readonly signal: AbortSignal },
): Promise<void> {
  const limits = { maxBytes: config.releases.max_bytes, maxFiles: config.releases.max_files };
  const { directory } = releasePaths(paths, tarball.sha256);
  await unpack(tarball, directory, { limits, ...options });
}

function failed(
  { ports }: Agent,
  error: CodedError,
  { downloaded }: { readonly downloaded: boolean },
): Found {
  const { code, message, next } = error;
  ports.log.error('release.not-installed', { code, error: message, next });
  return { install: { kind: 'failed', error, downloaded } };
}

function labelsOf({ sha256, custom }: OfferedRelease): LogFields {
  return { version: custom.version, sha256, commit: custom.commit };
}
