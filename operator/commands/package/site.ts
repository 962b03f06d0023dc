import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writeFileAtomicSync } from '../../../shared/atomic-file.ts';
import type { Answer, Context } from '../../context.ts';
import { withTree } from '../../open-tree.ts';
import type { ConfigPackage } from '../../packages/config-package.ts';
import { debPackage } from '../../packages/deb.ts';
import { pkgPackage } from '../../packages/flat/config-pkg.ts';
import { rpmPackage } from '../../packages/rpm.ts';
import { table } from '../../table.ts';
import type { SitePackageAnswer } from './answers.ts';
import { type SiteOptions, siteFiles } from './site-files.ts';

export interface SitePackageOptions extends SiteOptions {
  readonly format?: keyof typeof FORMATS | undefined;
  readonly output?: string | undefined;
}

const DESCRIPTION = `A host with the agent and this package reads signed releases of the tree. It
needs credentials for the bucket, which are not in the package.`;

/** Starts an agent that is enabled, and makes one that runs read the new configuration. */
const BY_SYSTEMD = `if [ -d /run/systemd/system ] && systemctl --quiet is-enabled mm-agent.service 2>/dev/null; then
  systemctl reload-or-restart mm-agent.service >/dev/null 2>&1 || :
fi
`;
/** The same. A job that runs has a process for the signal. */
const BY_LAUNCHD = `job=system/com.github.miyamoto.agent
launchctl kill SIGHUP "$job" 2>/dev/null || launchctl kickstart "$job" 2>/dev/null || :
`;

const FORMATS = {
  deb: {
    fileName: ({ name, version }: ConfigPackage) => `${name}_${version}_all.deb`,
    bytes: debPackage,
    afterwards: BY_SYSTEMD,
  },
  rpm: {
    fileName: ({ name, version }: ConfigPackage) => `${name}-${version}-1.noarch.rpm`,
    bytes: rpmPackage,
    afterwards: BY_SYSTEMD,
  },
  pkg: {
    fileName: ({ name, version }: ConfigPackage) => `${name}-${version}.pkg`,
    bytes: pkgPackage,
    afterwards: BY_LAUNCHD,
  },
} as const;

/**
 * `mm package site`: writes packages that make a host with the agent a host of the tree. The same
 * state of the bucket gives the same bytes.
 */
export async function packageSite(context: Context, options: SitePackageOptions): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const { version, files } = await siteFiles(context, tree, options);
    const site: Omit<ConfigPackage, 'afterwards'> = {
      name: `miyamoto-site-${tree.config.tree}`,
      version,
      summary: `Miyamoto agent: configuration and trust root of tree ${tree.config.tree}`,
      description: DESCRIPTION,
      requires: 'miyamoto-agent',
      kind: 'miyamoto-site',
      files,
    };
    const folder = resolve(context.cwd, options.output ?? '.');
    mkdirSync(folder, { recursive: true });
    const formats =
      options.format === undefined ? (['deb', 'rpm', 'pkg'] as const) : [options.format];
    const packages = formats.map((format) => {
      const { fileName, bytes, afterwards } = FORMATS[format];
      const config = { ...site, afterwards };
      const [path, content] = [join(folder, fileName(config)), bytes(config)];
      writeFileAtomicSync(path, content);
      return { path, sha256: sha256(content), length: content.length };
    });
    const document: SitePackageAnswer = {
      schemaVersion: 1,
      bucket: tree.bucket.name,
      tree: tree.config.tree,
      name: site.name,
      version,
      packages,
      files: Object.fromEntries(files.map(({ path, content }) => [path, sha256(content)])),
    };
    return { document, lines: linesOf(document) };
  });
}

function linesOf({ packages, files }: SitePackageAnswer): string[] {
  return [
    ...packages.map(({ path }) => path),
    '',
    'In it, with the sha256:',
    ...table(Object.entries(files).map(([path, digest]) => [path, digest])),
  ];
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
