import { plainHttpEndpoint } from '../../bucket/s3/effective-settings.ts';
import { openHostBucket } from '../../bucket/s3/host/host-bucket.ts';
import { messageOf } from '../../shared/clean-text.ts';
import { readOnlyError } from '../../shared/disk-error.ts';
import type { Agent } from '../agent.ts';
import type { Config } from '../config/config.ts';
import type { Pin } from '../core/when/pin.ts';
import { moveObstaclesAside } from '../disk/move-aside.ts';
import { withReserveSync } from '../disk/reserve.ts';
import { systemClock } from '../io/clock.ts';
import { hostHooks } from '../io/hooks/hooks.ts';
import { findCondition } from '../io/host/conditions.ts';
import { forgetOtherMachine, readKeptName, writeKeptName } from '../io/host/kept-name.ts';
import { readPackagedSeeds } from '../io/host/packaged-seeds.ts';
import { readVitals } from '../io/host/vitals.ts';
import { agentLog } from '../io/log.ts';
import { runHistory } from '../io/run-history.ts';
import { stateFile } from '../io/state-file.ts';
import type { Options } from '../options.ts';
import type { Log } from '../ports.ts';
import { readPin } from '../steps/pin.ts';
import { configuredPuppet } from './host-puppet.ts';
import { type Host, openHost } from './open-host.ts';

/**
 * Connects the steps with the adapters of `io/` for this host. Everything that a cycle may need of
 * this program is loaded now, because a run may replace its files. Throws CONFIG_MISSING,
 * CONFIG_INVALID, ROOT_MISSING.
 */
export async function openAgent(
  options: Options,
  env: NodeJS.ProcessEnv,
  knownConfig?: Config,
): Promise<Agent> {
  const host = await openHost(options, knownConfig);
  const { config, paths } = host;
  const log = agentLog(options, config.log, env);
  for (const moved of moveObstaclesAside(paths)) log.warn('state.moved-aside', { ...moved });
  keepIdentity(host, log);
  const pin = readPin(paths, { clock: systemClock, log });
  const plain = await plainHttpEndpoint(config.s3, env);
  const launcher = options.service && process.platform === 'linux' ? 'systemd' : 'group';
  if (plain !== undefined) log.warn('s3.plain-http', { endpoint: plain });
  return {
    ...host,
    identity: { ...host.identity, environment: followed(options, pin) ?? config.environment },
    pin,
    packagedSeeds: readPackagedSeeds(paths, log),
    ports: {
      clock: systemClock,
      log,
      bucket: await openHostBucket(config.bucket, config.s3, env),
      puppet: configuredPuppet(config, paths, {
        rubyCache: { directory: paths.rubyCache, isEnabled: config.run.ruby_cache },
        launcher,
      }),
      hooks: hostHooks(config, paths, { files: paths.hookFiles, launcher, log }),
      state: stateFile(paths.stateFile, log),
      history: runHistory(paths.history, log),
      condition: findCondition,
      vitals: readVitals,
    },
  };
}

/** The environment that is not that of the configuration. What a person types comes first. */
function followed({ environment }: Options, pin: Pin | undefined): string | null | undefined {
  return environment ?? pin?.environment;
}

/** A clone starts as a new host. A name that this host has found stays, see `chooseCertname`. */
function keepIdentity({ paths, identity, machine, isClone }: Host, log: Log): void {
  const { certname } = identity;
  const kept = readKeptName(paths.keptName);
  try {
    if (isClone) {
      const why = 'the state was made on another machine; this one starts as a new host';
      log.warn('identity.cloned', { why, former: kept?.certname, certname });
      forgetOtherMachine(paths);
    }
    if (kept?.certname === certname && kept.machine === machine) return;
    withReserveSync(paths, 'files', () => writeKeptName(paths.keptName, { certname, machine }));
  } catch (error) {
    // A cycle says once that the disk is read-only.
    if (readOnlyError(paths.state) !== undefined) return;
    log.error('identity.not-saved', { path: paths.keptName, error: messageOf(error) });
  }
}
