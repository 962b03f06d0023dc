/** Names of facts with which Puppet compiles nothing, because they are variables of its own. */
export const RESERVED_FACTS: ReadonlySet<string> = new Set([
  'facts',
  'server_facts',
  'name',
  'title',
  'module_name',
]);

/** Returns why `puppet.settings` must not set this setting of Puppet, or undefined when it may. */
export function whyRefused(name: string): string | undefined {
  return REFUSED.get(name);
}

const OWN_KEY: Readonly<Record<string, string>> = {
  certname: 'certname',
  environment: 'environment',
  modulepath: 'puppet.modulepath',
  hiera_config: 'puppet.hiera_config',
  trusted_external_command: 'puppet.trusted_external_command',
  fileserverconfig: 'puppet.fileserver_config',
  node_terminus: 'puppet.node_terminus',
  external_nodes: 'puppet.external_nodes',
  config_version: 'puppet.config_version',
  noop: 'run.noop',
  tags: 'run.tags',
  runtimeout: 'run.time_limit',
};

const REASONS: Readonly<Record<string, readonly string[]>> = {
  'the agent applies a verified release': [
    'environmentpath',
    'manifest',
    'default_manifest',
    'code',
    'execute',
    'catalog',
  ],
  'the agent reads facts and report from files of its own': [
    'route_file',
    'client_datadir',
    'facts_terminus',
    'lastrunfile',
    'lastrunreport',
    'report',
    'reports',
  ],
  'the agent reads what Puppet prints': ['logdest', 'color', 'log_level'],
  'schedule.apply says when a run begins': ['splay', 'splaylimit', 'runinterval', 'daemonize'],
  'Puppet ends without a run': ['configprint', 'genconfig', 'genmanifest', 'help', 'version'],
  'mm-agent --once --skip_tags does this for one run': ['skip_tags'],
};

const REFUSED: ReadonlyMap<string, string> = new Map([
  ...Object.entries(OWN_KEY).map(
    ([name, key]) => [name, `expected the key ${key} in place of this setting`] as const,
  ),
  ...Object.entries(REASONS).flatMap(([why, names]) =>
    names.map(
      (name) => [name, `expected a setting that the agent does not need itself: ${why}`] as const,
    ),
  ),
]);
