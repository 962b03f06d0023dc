import type { Config } from '../config/config.ts';
import { hostData } from '../io/puppet/host-data/host-data.ts';
import { type HostPuppetOptions, hostPuppet } from '../io/puppet/puppet.ts';
import type { HostPaths } from '../paths.ts';
import type { Puppet } from '../ports.ts';

/** The Puppet of this host, as its configuration says. */
export function configuredPuppet(
  { run, facts, ...config }: Config,
  paths: Pick<HostPaths, 'factCache'>,
  how: Pick<HostPuppetOptions, 'launcher' | 'rubyCache'>,
): Puppet {
  return hostPuppet({
    configuredPath: run.puppet,
    facter: { ttl: facts.ttl ?? {}, block: facts.block, cacheDirectory: paths.factCache },
    environment: run.environment,
    hostData: hostData({ run, facts, ...config }),
    ...how,
  });
}
