/**
 * The rules for names, without a schema: every cycle needs them, and a schema library takes longer
 * to load than most of a cycle.
 */

/** Puppet allows only word characters in the name of an environment's directory (`\A\w+\z`). */
export const ENVIRONMENT_NAME = /^\w{1,64}$/;

/**
 * A certname as Puppet allows it, in lower case. `..` is refused: it would leave a key or a path.
 */
export const CERTNAME = /^(?!.*\.\.)(?=.{1,200}$)[a-z0-9_][a-z0-9._-]*$/;

/**
 * The numbers of a version label: at most 15 digits each. A parser of semver refuses numbers above
 * 2^53, and a thief can sign a label just below.
 */
export const VERSION_NUMBERS = /^(?:(?:0|[1-9]\d{0,14})(?:[.+-]|$)){3}/;

/** In lower-case hex. */
export const SHA256 = /^[0-9a-f]{64}$/;

/**
 * A binary: a file name without blanks, quotes and other characters of a shell. `current` and
 * `next` are names of releases to versions of mm that know no binaries.
 */
export const BINARY_NAME = /^(?!(?:current|next)$)\w[\w.+~@%-]{0,199}$/;
