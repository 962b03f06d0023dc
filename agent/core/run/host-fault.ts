interface Fault {
  /** What is wrong with the host, and what to correct. */
  readonly why: string;
  /** The beginning of an error that Puppet logs then. */
  readonly logged: readonly RegExp[];
}

/**
 * Errors that Puppet logs because of its host. They come before the catalog is compiled, or after
 * it was applied, so they say nothing about a release.
 */
const FAULTS: readonly Fault[] = [
  {
    why: 'Puppet refuses a setting: see puppet.settings and run.extra_arguments, or puppet.conf',
    logged: [
      /^Could not parse application options: /,
      /^Could not initialize global default settings: /,
      /^Could not get application-specific default settings: /,
    ],
  },
  {
    why: 'a template of overlay cannot be rendered: correct it, or the fact that it names',
    logged: [/^overlay: the template for /],
  },
  {
    why: 'puppet.external_nodes failed: run it by hand, with the certname',
    logged: [
      /^Could not run: Failed to find \S+ via exec: /,
      /^Could not run: Could not load external node results for /,
      /^Could not run: Could not find node \S+$/,
    ],
  },
  {
    why: 'puppet.external_nodes, or a setting, names another environment than that of the release',
    logged: [/^Could not run: Could not find a directory environment named /],
  },
  {
    why: 'puppet.trusted_external_command failed: run it by hand, with the certname',
    logged: [/^trusted_external_command: /],
  },
  {
    why: 'a command before or after the run failed: see puppet.settings, or puppet.conf',
    logged: [/^Could not run command from (?:pre|post)run_command: /],
  },
];

/**
 * Returns what is wrong with this host, as one line. Undefined when none of the errors is known to
 * come from the host: then it may be the release.
 */
export function hostFault(errors: readonly string[]): string | undefined {
  const texts = errors.map((line) => line.replace(/^Error: /, ''));
  const isLogged = (pattern: RegExp): boolean => texts.some((text) => pattern.test(text));
  return FAULTS.find(({ logged }) => logged.some(isLogged))?.why;
}
