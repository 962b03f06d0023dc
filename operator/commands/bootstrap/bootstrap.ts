import { stringify } from 'yaml';
import { z } from 'zod';
import { Sha256 } from '../../../bucket/documents/names.ts';
import { Tree } from '../../answers.ts';
import type { Answer, Context } from '../../context.ts';
import { withTree } from '../../open-tree.ts';
import { type SiteOptions, siteFiles } from '../package/site-files.ts';
import { agentPackages } from './agent-packages.ts';
import { joinScript } from './join-script.ts';

export interface BootstrapOptions extends SiteOptions {
  readonly userData?: boolean | undefined;
  readonly cloudInit?: boolean | undefined;
  readonly shell?: boolean | undefined;
  readonly mdm?: boolean | undefined;
  readonly agent?: readonly string[] | undefined;
}

export const BootstrapAnswer = z.looseObject({
  ...Tree,
  form: z.enum(['user-data', 'cloud-init', 'shell', 'mdm']),
  /** What the new host runs, or cloud-init reads. */
  text: z.string(),
  agents: z.array(
    z.looseObject({ kind: z.string(), fileName: z.string(), url: z.string(), sha256: Sha256 }),
  ),
});
export type BootstrapAnswer = z.infer<typeof BootstrapAnswer>;

/** EC2 refuses more. */
const MAX_USER_DATA_BYTES = 16 * 1024;

/**
 * `mm bootstrap`: prints what makes a new machine a host of the tree. It contains the
 * configuration, the trust root and the seeds, and never a credential.
 */
export async function bootstrap(context: Context, options: BootstrapOptions): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const { config } = tree;
    const { files, verified } = await siteFiles(context, tree, options);
    const agents = agentPackages(options.agent ?? [], config, verified);
    const { bucket, s3 } = config;
    const rootLast = [...files].sort((a, b) => Number(isRoot(a.path)) - Number(isRoot(b.path)));
    const place = { bucket, tree: config.tree, region: s3.region, endpoint: s3.endpoint };
    const script = joinScript({ ...place, files: rootLast, agents });
    const form = formOf(options);
    const text = form === 'cloud-init' ? cloudConfig(script) : script;
    const bytes = Buffer.byteLength(text);
    if (['user-data', 'cloud-init'].includes(form) && bytes > MAX_USER_DATA_BYTES) {
      context.notice(
        `these are ${bytes} bytes, and EC2 accepts ${MAX_USER_DATA_BYTES}: compress it with gzip, which cloud-init reads`,
      );
    }
    const document: BootstrapAnswer = {
      ...{ schemaVersion: 1, bucket, tree: config.tree, form, text },
      agents: agents.map((agent) => ({ ...agent })),
    };
    return { document, lines: text.trimEnd().split('\n') };
  });
}

function isRoot(path: string): boolean {
  return path.endsWith('/root.json');
}

function formOf({ userData, cloudInit, mdm }: BootstrapOptions): BootstrapAnswer['form'] {
  if (userData === true) return 'user-data';
  if (cloudInit === true) return 'cloud-init';
  return mdm === true ? 'mdm' : 'shell';
}

/** For cloud-init: the script becomes a file, which runs once. */
function cloudConfig(script: string): string {
  const path = '/run/miyamoto-bootstrap';
  const file = { path, owner: 'root:root', permissions: '0700', content: script };
  const config = { write_files: [file], runcmd: [['/bin/sh', path]] };
  return `#cloud-config\n${stringify(config, { lineWidth: 0 })}`;
}
