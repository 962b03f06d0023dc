import type { ActiveRelease } from '../../../bucket/documents/status.ts';
import type { Agent } from '../../agent.ts';
import type { Findings, Found } from '../../core/findings.ts';
import { rollbackTarget } from '../../core/health/health.ts';
import { releasePaths } from '../../paths.ts';
import { activate } from '../activate.ts';
import { isUnpacked } from '../unpack/unpack.ts';

/** The release that this host may go back to: allowed, and complete on its disk. */
export function findRollback(
  { config, identity, paths, pin }: Agent,
  { state, refresh }: Findings,
): ActiveRelease | undefined {
  // A pinned release is wanted by a person, even when it is bad.
  if (state.bad.length === 0 || pin?.release != null || refresh?.kind !== 'verified')
    return undefined;
  const release = rollbackTarget({
    onFailure: config.on_failure,
    bad: state.bad,
    good: state.good,
    environment: identity.environment,
    versions: refresh.trust.versions,
  });
  if (release === undefined) return undefined;
  return isUnpacked(releasePaths(paths, release.sha256).directory) ? release : undefined;
}

/**
 * Makes the last good release the active one again. It was verified when it was installed, and its
 * tree is never changed.
 */
export function rollBack(agent: Agent, findings: Findings): Found {
  const release = findRollback(agent, findings);
  if (release === undefined) throw new TypeError('a decision to go back needs a release');
  const { sha256, version } = release;
  activate(agent.paths, { environment: agent.identity.environment, sha256 });
  const why = `${findings.active?.version} is bad on this host`;
  agent.ports.log.warn('release.rolled-back', { why, version, sha256 });
  const activatedAt = new Date(agent.ports.clock.now()).toISOString();
  return { active: { ...release, activatedAt } };
}
