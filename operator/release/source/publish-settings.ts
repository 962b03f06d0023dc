import { z } from 'zod';

const Patterns = z.array(z.string().min(1).max(1000)).max(1000);

/** `publish:` of miyamoto.yaml: what a release is made of. */
export const PublishSettings = z.strictObject({
  modules: z
    .union([
      z.enum(['r10k', 'g10k', 'none']),
      z.strictObject({ command: z.array(z.string().min(1)).min(1) }),
    ])
    .optional()
    .describe(
      'What installs the modules of the Puppetfile. Left out: r10k, when the directory for them has no modules in git. ' +
        'A command runs beside the Puppetfile and installs into `$MM_MODULES`.',
    ),
  r10k_config: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Your r10k.yaml: private Forges, proxies, git settings and its `cachedir` count. `mm root sign` uses no cache. Left out: r10k has no other settings than a cache below `cache`.',
    ),
  exclude: Patterns.default([]).describe(
    'Paths that are not published, as in .gitignore. `.mmignore` in the repository does the same.',
  ),
  links: z
    .enum(['refuse', 'keep'])
    .default('refuse')
    .describe(
      '`keep`: links that leave the repository are published, and hosts make them. `refuse`: such a link is an error.',
    ),
  filters: z
    .array(z.string().regex(/^[\w.-]{1,100}$/, 'expected the name of a git filter, such as "lfs"'))
    .default([])
    .describe(
      'Git filters that may run, for example `lfs`. Files of any other filter are refused.',
    ),
  allow_private_keys: Patterns.default([]).describe(
    'Paths that may hold private keys, as in .gitignore: keys that only tests use.',
  ),
});
export type PublishSettings = Readonly<z.infer<typeof PublishSettings>>;
