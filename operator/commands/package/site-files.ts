import { resolve } from 'node:path';
import { z } from 'zod';
import { CodedError } from '../../../shared/coded-error.ts';
import { parseConfigFile } from '../../../shared/config/file.ts';
import { fileProblem } from '../../../shared/file-problem.ts';
import { readNamed } from '../../../shared/files.ts';
import { requireOwn } from '../../../shared/owned-path.ts';
import { readKept } from '../../../trust/kept/trust-directory.ts';
import { roleWord } from '../../../trust/metadata/role-names.ts';
import { rootFile } from '../../../trust/workflow/root-chain.ts';
import type { TreeConfig } from '../../config.ts';
import type { CommonOptions, Context } from '../../context.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { type OpenTree, withRepository } from '../../open-tree.ts';
import type { ConfigFile } from '../../packages/config-package.ts';
import { findPrivateKey } from '../../release/private-keys.ts';
import { agentConfig } from '../init/plan.ts';

export interface SiteOptions extends CommonOptions {
  /** A file that becomes `agent.yaml`; by default mm writes it from the configuration. */
  readonly agentConfig?: string | undefined;
}

/** What a new host of a tree needs, beside the agent and credentials. */
export interface SiteFiles {
  /** `<version of root>.<version of timestamp>`: a newer state of the tree has a higher one. */
  readonly version: string;
  /** For `/etc/miyamoto`: the configuration, the newest trust root, and the floor of a new host. */
  readonly files: readonly ConfigFile[];
  readonly verified: VerifiedMetadata;
}

const FOLDER = '/etc/miyamoto';

/**
 * Verifies the bucket, and returns the files from the verified state. Throws CONFIG_INVALID when
 * the configuration contains a credential: every user of every host can read it.
 */
export async function siteFiles(
  context: Context,
  tree: OpenTree,
  options: SiteOptions,
): Promise<SiteFiles> {
  const config = hostConfig(context, tree.config, options);
  refuseCredentials(config, options);
  return await withRepository(context, tree, { environments: 'all' }, async (opened) => {
    const verified = await opened.repository.read();
    for (const role of verified.expired) {
      context.notice(`${roleWord(role)} expired at ${verified.expires[role]}; next: mm renew`);
    }
    const { files: kept } = readKept(opened.options.stateDirectory);
    const version = verified.root.signed.version;
    const stored = {
      'root.json': kept.get(rootFile(version)) ?? Buffer.from(opened.options.root),
      'timestamp.json': kept.get('timestamp.json'),
      'snapshot.json': kept.get('snapshot.json'),
    };
    const files = [
      { path: `${FOLDER}/agent.yaml`, content: config },
      ...Object.entries(stored).map(([name, content]) => {
        if (content === undefined) throw new Error(`the verified state has no ${name}`);
        return { path: `${FOLDER}/${name}`, content };
      }),
    ];
    return { version: `${version}.${verified.timestampVersion}`, files, verified };
  });
}

/** Only what mm knows of it: the agent checks the other keys. */
const HostConfig = z.looseObject({ bucket: z.string(), tree: z.string() });

function hostConfig(context: Context, tree: TreeConfig, options: SiteOptions): Buffer {
  if (options.agentConfig === undefined) return Buffer.from(agentConfig(tree));
  const path = resolve(context.cwd, options.agentConfig);
  const bytes = readConfig(path);
  const found = parseConfigFile(bytes.toString('utf8'), path, HostConfig);
  for (const key of ['bucket', 'tree'] as const) {
    if (found[key] === tree[key]) continue;
    throw new CodedError(`${path} says ${key}: ${found[key]}, miyamoto.yaml says ${tree[key]}`, {
      code: 'CONFIG_INVALID',
      next: 'correct the file, or name the other tree with --tree',
    });
  }
  return bytes;
}

const MAX_CONFIG_BYTES = 256 * 1024;

/** A file that others can change would decide what runs as root on every host. */
function readConfig(path: string): Buffer {
  requireOwn(path, 'the configuration for hosts');
  try {
    return readNamed(path, MAX_CONFIG_BYTES);
  } catch (cause) {
    throw new CodedError(`no configuration for hosts: ${fileProblem(path, cause).why}`, {
      code: 'CONFIG_MISSING',
      cause,
      next: 'leave --agent-config out: mm then writes one',
    });
  }
}

/** User and password in the address of a proxy, for example. */
const LOGIN_IN_URL = /:\/\/[^\s/@:]*:[^\s/@]+@/;

/**
 * The metadata is not searched: every host can read it in the bucket, and a writer of the bucket
 * can add text that looks like a credential.
 */
function refuseCredentials(content: Buffer, { agentConfig }: SiteOptions): void {
  const key = findPrivateKey(content);
  const isLogin = LOGIN_IN_URL.test(content.toString('latin1'));
  if (key === undefined && !isLogin) return;
  const from = agentConfig ?? `${FOLDER}/agent.yaml`;
  const line = key?.line == null ? '' : `:${key.line}`;
  throw new CodedError(`${from}${line} has a credential: ${key?.kind ?? 'a password in a URL'}`, {
    code: 'CONFIG_INVALID',
    next: 'remove it: a host gets its credentials from its role, or in /root/.aws',
  });
}
