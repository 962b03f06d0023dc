import { join } from 'node:path';
import type { ApplyRequest } from '../../ports.ts';
import type { HostData } from './host-data/host-data.ts';
import { manifestArgument } from './manifest.ts';
import { clientDataDirectory, reportPath, routesPath, summaryPath } from './run-directory/paths.ts';
import { settingArguments } from './setting-arguments.ts';

/**
 * Returns the arguments of `puppet`. All of them exist in Puppet 7.0 to OpenVox 9, except where the
 * code looks at the version.
 */
export function applyArguments(
  request: ApplyRequest,
  settings: HostData['puppet'],
): readonly string[] {
  const { environmentPath, environment, runDirectory, certname } = request;
  return [
    'apply',
    ...['--environmentpath', environmentPath],
    ...['--environment', environment],
    ...['--certname', certname],
    ...['--route_file', routesPath(runDirectory)],
    ...['--client_datadir', clientDataDirectory(runDirectory)],
    ...['--lastrunfile', summaryPath(runDirectory)],
    ...['--lastrunreport', reportPath(runDirectory)],
    // puppet.conf may have other values for an agent. A run needs a report, which is not sent. It
    // must start at once: the daemon has already waited for the time slot of this host.
    ...['--report', '--reports', 'none', '--no-splay'],
    ...['--detailed-exitcodes', '--logdest', 'console', '--color', 'false'],
    ...(leavesOutUnchanged(request.puppet.version) ? ['--exclude_unchanged_resources'] : []),
    ...privateDirectories(request.privateDirectory),
    ...(request.noop ? ['--noop'] : []),
    ...(request.debug ? ['--debug'] : []),
    ...(request.tags.length > 0 ? ['--tags', request.tags.join(',')] : []),
    ...(request.skipTags.length > 0 ? ['--skip_tags', request.skipTags.join(',')] : []),
    ...settingArguments(request, settings),
    ...request.extraArguments,
    manifestArgument(request),
  ];
}

/** The setting exists since Puppet 7.21. An unknown setting ends Puppet. */
function leavesOutUnchanged(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 7 || (major === 7 && minor >= 21);
}

/** All directories are set: if one were that of the host, the two installations would be mixed. */
function privateDirectories(directory: string | undefined): readonly string[] {
  if (directory === undefined) return [];
  return ['conf', 'var', 'code', 'log', 'run', 'public'].flatMap((name) => [
    `--${name}dir`,
    join(directory, name),
  ]);
}
