import { join } from 'node:path';
import { ReleaseFile } from '../../bucket/documents/release.ts';
import type { ActiveRelease } from '../../bucket/documents/status.ts';
import { ownText } from '../../shared/foreign-file.ts';
import type { Agent } from '../agent.ts';
import type { Findings } from '../core/findings.ts';
import type { HostState } from '../core/state.ts';
import { type HostPaths, releasePaths } from '../paths.ts';
import { activeRelease } from './activate.ts';

/**
 * What is known before a cycle begins: the saved state, and the release that the link points to.
 */
export async function readHost(agent: Agent): Promise<Findings> {
  const state = await agent.ports.state.load();
  const sha256 = activeRelease(agent.paths, agent.identity.environment);
  return {
    state,
    active: sha256 === undefined ? null : describeRelease(agent, state, sha256),
    disabled: null,
    refresh: undefined,
    install: undefined,
    run: undefined,
  };
}

/**
 * The labels come from the state or, when the state was lost, from the release's own
 * `release.json`.
 */
export function describeRelease(agent: Agent, state: HostState, sha256: string): ActiveRelease {
  const known = state.status?.release;
  if (known?.sha256 === sha256) return known;
  const file = readReleaseFile(agent.paths, sha256);
  return {
    version: file?.version ?? 'unknown',
    release: sha256.slice(0, 12),
    sha256,
    commit: file?.commit ?? null,
    activatedAt: new Date(agent.ports.clock.now()).toISOString(),
  };
}

/** What an installed release says of itself; undefined when it cannot be read. */
export function readReleaseFile(paths: HostPaths, sha256: string): ReleaseFile | undefined {
  try {
    const path = join(releasePaths(paths, sha256).tree, 'release.json');
    return ReleaseFile.parse(JSON.parse(ownText(path) ?? ''));
  } catch {
    return undefined;
  }
}
