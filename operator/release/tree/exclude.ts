import ignore, { type Ignore } from 'ignore';
import { moduleOf } from './module-path.ts';

/** File in the root of an environment with patterns of what is not published, as in .gitignore. */
export const IGNORE_FILE = '.mmignore';

/**
 * What Puppet never loads, below the directory of a module. Names that end with "/" are
 * directories.
 */
const NEVER_LOADED = new Set([
  ...['spec/', 'tests/', 'examples/', 'acceptance/', 'spec_helper.rb'],
  ...['.github/', '.gitlab/', '.circleci/', '.devcontainer/', '.vscode/', '.idea/', '.bundle/'],
  ...['.fixtures.yml', '.sync.yml', '.msync.yml', '.pdkignore', '.puppet-lint.rc', '.nodeset.yml'],
  ...['.travis.yml', '.gitlab-ci.yml', '.appveyor.yml', 'appveyor.yml', '.cirrus.yml'],
  ...['.rspec', '.rspec_parallel', '.rubocop.yml', '.rubocop_todo.yml', '.yardopts', '.yamllint'],
  ...['.editorconfig', '.gitpod.yml', '.gitpod.Dockerfile'],
  ...['.overcommit.yml', '.project', '.simplecov', 'Gemfile', 'Gemfile.lock', 'Guardfile'],
  ...['Rakefile', 'Vagrantfile', 'provision.yaml', '.geppetto-rc.json', '.ruby-version'],
]);

/** Why a path is left out. */
export type Exclusion = 'never loaded by Puppet' | '.mmignore' | 'publish.exclude';

export interface ExcludePatterns {
  /** Directories of modules, from environment.conf. */
  readonly moduleDirectories: readonly string[];
  /** Text of {@link IGNORE_FILE}. */
  readonly ignoreFile: string;
  /** `publish.exclude` of miyamoto.yaml. */
  readonly configured: readonly string[];
}

/**
 * Decides which paths of an environment are not published. The patterns are those of .gitignore; a
 * later one wins, and `!modules/x/spec/` brings back what is left out by default.
 */
export class ExcludeRules {
  readonly #moduleDirectories: readonly string[];
  readonly #own: Ignore;
  readonly #configured: Ignore;

  constructor({ moduleDirectories, ignoreFile, configured }: ExcludePatterns) {
    this.#moduleDirectories = moduleDirectories;
    this.#own = gitPatterns(ignoreFile.split(/\r?\n/));
    this.#configured = gitPatterns(configured);
  }

  /** Undefined: the path is published. */
  exclusionOf(path: string): Exclusion | undefined {
    const configured = this.#configured.test(path);
    if (configured.ignored) return 'publish.exclude';
    const own = this.#own.test(path);
    if (own.ignored && !configured.unignored) return IGNORE_FILE;
    if (path === IGNORE_FILE) return IGNORE_FILE;
    if (!this.#isNeverLoaded(path) || this.#isBroughtBack(path)) return undefined;
    return 'never loaded by Puppet';
  }

  /** By a pattern with "!" for the path or a directory above it. */
  #isBroughtBack(path: string): boolean {
    const ends = [...path.matchAll(/\//g)].map(({ index }) => index + 1);
    const paths = [...ends.map((end) => path.slice(0, end)), path];
    return paths.some(
      (each) => this.#own.test(each).unignored || this.#configured.test(each).unignored,
    );
  }

  #isNeverLoaded(path: string): boolean {
    const inside = moduleOf(path, this.#moduleDirectories)?.inside;
    if (inside === undefined) return false;
    const slash = inside.indexOf('/');
    return NEVER_LOADED.has(slash === -1 ? inside : inside.slice(0, slash + 1));
  }
}

/** Patterns as git understands them: case counts, and any name is a path. */
export function gitPatterns(patterns: readonly string[]): Ignore {
  return ignore({ ignorecase: false, allowRelativePaths: true }).add([...patterns]);
}
