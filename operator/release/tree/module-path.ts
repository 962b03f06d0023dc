/** A path in a module. */
export interface PathInModule {
  readonly module: string;
  /** Directory of the module, for example `modules/stdlib`. */
  readonly directory: string;
  /** The rest of the path; undefined for the module's directory itself. */
  readonly inside: string | undefined;
}

/** The module that a path belongs to. `directories` may have patterns such as `site-*`. */
export function moduleOf(path: string, directories: readonly string[]): PathInModule | undefined {
  const names = path.split('/');
  for (const directory of directories) {
    const wanted = directory.split('/');
    const module = names[wanted.length];
    if (module === undefined || !wanted.every((name, index) => matches(name, names[index]))) {
      continue;
    }
    const rest = names.slice(wanted.length + 1);
    return {
      module,
      directory: names.slice(0, wanted.length + 1).join('/'),
      inside: rest.length === 0 ? undefined : rest.join('/'),
    };
  }
  return undefined;
}

/** `Puppet::Module.is_module_directory_name?`: Puppet reads nothing in other directories. */
export function isModuleName(name: string): boolean {
  return /^[a-z][a-z0-9_]*$/.test(name);
}

/** `modulepath` may have `*` and `?` (Ruby's Dir.glob). */
function matches(pattern: string, name: string | undefined): boolean {
  if (name === undefined || !/[*?]/.test(pattern)) return name === pattern;
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const expression = escaped.replaceAll('*', '.*').replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(name);
}
