/** Names of puppet-lint's checks. */
export interface LintSettings {
  /** When there are any, only these checks run. */
  readonly only: readonly string[];
  readonly disabled: readonly string[];
}

/** The file of puppet-lint in the root of a repository. */
export const LINT_FILE = '.puppet-lint.rc';

/**
 * The checks that `.puppet-lint.rc` selects. Its other options are not read: `--load` runs a Ruby
 * file, and `--fix` changes the manifests.
 */
export function parseLintFile(text: string): LintSettings {
  const words = text
    .replaceAll(/^[ \t]*#.*$/gm, '')
    .split(/[\s=]+/)
    .filter(Boolean);
  const disabled = words.flatMap((word) => /^--no-([\w-]+)-check$/.exec(word)?.[1] ?? []);
  const only = words.flatMap((word, index) =>
    word === '--only-checks' ? (words[index + 1] ?? '').split(',') : [],
  );
  return { only: only.filter(Boolean), disabled };
}
