import { join } from 'node:path';
import type { ApplyRequest } from '../../ports.ts';
import type { HostData } from './host-data/host-data.ts';

/** Returns the arguments for the keys of `puppet` in agent.yaml. */
export function settingArguments(
  { environmentPath, environment, releaseLabel }: ApplyRequest,
  puppet: HostData['puppet'],
): readonly string[] {
  const directory = join(environmentPath, environment);
  const { modulepath, settings = {} } = puppet;
  const inEnvironment = (path: string): string =>
    /^[/$]/.test(path) ? path : join(directory, path);
  const place = (name: string, path: string | undefined): readonly string[] =>
    path === undefined ? [] : [`--${name}=${inEnvironment(path)}`];
  return [
    ...(modulepath === undefined
      ? []
      : [`--modulepath=${modulepath.map(inEnvironment).join(':')}`]),
    ...place('hiera_config', puppet.hiera_config),
    ...place('trusted_external_command', puppet.trusted_external_command),
    ...place('fileserverconfig', puppet.fileserver_config),
    ...place('external_nodes', puppet.external_nodes),
    ...(puppet.node_terminus === undefined ? [] : [`--node_terminus=${puppet.node_terminus}`]),
    ...(puppet.config_version === 'environment' ? [] : configVersion(releaseLabel)),
    ...Object.entries(settings).map(([name, value]) => settingArgument(name, value)),
  ];
}

function settingArgument(name: string, value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? `--${name}` : `--no-${name}`;
  return `--${name}=${value}`;
}

/**
 * The program for `config_version`. When the program of environment.conf fails, the run ends, and
 * most such programs need git or a file of a deployment, which a host does not have. Puppet starts
 * this program directly, so the label is never part of a shell command.
 */
function configVersion(label: string): readonly string[] {
  return [`--config_version=/bin/echo ${label.replace(/[^\w.+-]/g, '')}`];
}
