import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { ApplyRequest } from '../../ports.ts';
import { FACT_TIMES } from './fact-times.ts';
import { manifestOf } from './manifest.ts';
import { AUGEAS_VERSION } from './ruby/facter-augeas.ts';
import { UTF8_GUARD } from './ruby/utf8-guard.ts';

/** Where the run's report lies. In the command line it also marks the process as that run's. */
export function reportPath(runDirectory: string): string {
  return join(runDirectory, 'report.json');
}

/** Where the run's facts lie; the name is Puppet's. */
export function factsPath(runDirectory: string, certname: string): string {
  return join(runDirectory, 'client_data', 'facts', `${certname}.json`);
}

/** Puppet's output, as it was printed. */
export function outputPath(runDirectory: string): string {
  return join(runDirectory, 'puppet.log');
}

/** Ruby that Facter loads with the custom facts. */
const FACTS_LIBRARY = {
  'miyamoto_augeas.rb': AUGEAS_VERSION,
  'miyamoto_times.rb': FACT_TIMES,
  'miyamoto_utf8.rb': UTF8_GUARD,
};

/** Where {@link FACTS_LIBRARY} lies in a run directory. */
export function factsLibrary(runDirectory: string): string {
  return join(runDirectory, 'facter');
}

/** JSON instead of YAML, and the facts of this very run with the report (puppet/indirector). */
const ROUTES = `apply:
  facts: {terminus: facter, cache: json}
  report: {terminus: processor, cache: json}
`;

/** Makes a run directory fit for a run: nothing in it that could be taken for that run's own. */
export function prepareRun(request: ApplyRequest): void {
  const { runDirectory, privateDirectory } = request;
  rmSync(runDirectory, { recursive: true, force: true });
  mkdirSync(factsLibrary(runDirectory), { recursive: true, mode: 0o700 });
  writeFileSync(join(runDirectory, 'routes.yaml'), ROUTES);
  for (const [name, ruby] of Object.entries(FACTS_LIBRARY)) {
    writeFileSync(join(factsLibrary(runDirectory), name), ruby);
  }
  if (privateDirectory !== undefined) mkdirSync(privateDirectory, { recursive: true });
}

/** The words after `puppet`. All of them exist in Puppet 7.0 to OpenVox 9 except where the version is looked at. */
export function applyArguments(request: ApplyRequest): readonly string[] {
  const { environmentPath, environment, runDirectory, certname } = request;
  return [
    'apply',
    ...['--environmentpath', environmentPath],
    ...['--environment', environment],
    ...['--certname', certname],
    ...['--route_file', join(runDirectory, 'routes.yaml')],
    ...['--client_datadir', join(runDirectory, 'client_data')],
    ...['--lastrunfile', join(runDirectory, 'summary.yaml')],
    ...['--lastrunreport', reportPath(runDirectory)],
    // Our own say on what puppet.conf may have set for an agent: a report, but to nobody; the time slot is ours.
    ...['--report', '--reports', 'none', '--no-splay'],
    ...['--detailed-exitcodes', '--logdest', 'console', '--color', 'false'],
    ...(leavesOutUnchanged(request.puppet.version) ? ['--exclude_unchanged_resources'] : []),
    ...privateDirectories(request.privateDirectory),
    ...(request.noop ? ['--noop'] : []),
    ...(request.debug ? ['--debug'] : []),
    ...(request.tags.length > 0 ? ['--tags', request.tags.join(',')] : []),
    ...(request.skipTags.length > 0 ? ['--skip_tags', request.skipTags.join(',')] : []),
    ...request.extraArguments,
    manifestOf(join(environmentPath, environment), runDirectory),
  ];
}

/** Puppet 7.21 brought the setting; an unknown one ends Puppet. */
function leavesOutUnchanged(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 7 || (major === 7 && minor >= 21);
}

/** All or none: one of the host's own among them would mix the host's Puppet with ours. */
function privateDirectories(directory: string | undefined): readonly string[] {
  if (directory === undefined) return [];
  return ['conf', 'var', 'code', 'log', 'run', 'public'].flatMap((name) => [
    `--${name}dir`,
    join(directory, name),
  ]);
}

export const SYSTEM_PATH =
  '/opt/puppetlabs/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The whole environment of a run. `extra` comes from the agent's own configuration, not from whoever started it, and
 * wins; only FACTERLIB is added to.
 */
export function runEnvironment(
  runDirectory: string | undefined,
  extra: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const facts = runDirectory === undefined ? [] : [factsLibrary(runDirectory)];
  const { FACTERLIB: factsToo } = extra;
  const searched = [...facts, ...(factsToo === undefined ? [] : [factsToo])].join(':');
  return {
    PATH: SYSTEM_PATH,
    LANG: process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8',
    HOME: userInfo().homedir,
    // apt's hook would restart services, perhaps the agent's own, in the middle of the run.
    NEEDRESTART_SUSPEND: '1',
    ...extra,
    ...(searched === '' ? {} : { FACTERLIB: searched }),
  };
}
