import * as z from 'zod';

/** Puppet takes only word characters for an environment's directory (`\A\w+\z`). */
export const EnvironmentName = z
  .string()
  .regex(/^\w{1,64}$/, 'expected letters, digits and underscores, at most 64');

/** A certname as Puppet allows it, lower case, and never one that climbs out of a key or a path. */
export const Certname = z
  .string()
  .max(200)
  .regex(
    /^(?!.*\.\.)[a-z0-9_][a-z0-9._-]*$/,
    'expected lower-case letters, digits, ".", "_" and "-", for example "web1.example.com"',
  );

/** A tree's prefix in the bucket, for example "ubuntu" or "osx". */
export const TreeName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,62}$/,
    'expected lower-case letters, digits and "-", for example "ubuntu"',
  );

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

/** An instant as ISO 8601 in UTC. */
export const Instant = z.iso.datetime();
