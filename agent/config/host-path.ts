import * as z from 'zod';

/** A file or directory of this host. */
export const AbsolutePath = z.string().max(1024).regex(/^\//, 'expected an absolute path');

/** A name in a path. `.` and `..` would lead out of the environment. */
const NAME = /^(?!\.{1,2}$)[^\\\p{Cc}]{1,200}$/u;

/** A path inside the environment. */
export const PathInEnvironment = z.string().max(500).refine(isInside, {
  error: 'expected a path inside the environment, for example "data/secrets/vault.yaml"',
});

/**
 * An absolute path is on this host. Any other path is inside the environment. Neither contains
 * spaces.
 */
export const EnvironmentOrHostPath = z
  .string()
  .max(1024)
  .refine((path) => !/[\s:]/.test(path) && (path.startsWith('/') || isInside(path)), {
    error: 'expected an absolute path, or a path inside the environment',
  });

function isInside(path: string): boolean {
  return path.split('/').every((name) => NAME.test(name));
}
