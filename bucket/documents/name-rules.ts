/**
 * What names may be, without a schema: a cycle asks this often, and schemas take longer to load than most of what it does.
 */

/** Puppet takes only word characters for an environment's directory (`\A\w+\z`). */
export const ENVIRONMENT_NAME = /^\w{1,64}$/;

/** A certname as Puppet allows it, lower case, and never one that climbs out of a key or a path. */
export const CERTNAME = /^(?!.*\.\.)(?=.{1,200}$)[a-z0-9_][a-z0-9._-]*$/;

/** In lower-case hex. */
export const SHA256 = /^[0-9a-f]{64}$/;
