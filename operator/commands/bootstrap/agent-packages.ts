import { posix } from 'node:path';
import { binaryKey } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { redact } from '../../../shared/log/redact.ts';
import type { TreeConfig } from '../../config.ts';
import { listedBinaries } from '../../metadata/binaries.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';

/** A package of the agent, and on which hosts it is installed. */
export interface AgentPackage {
  /** `deb-amd64`, `rpm-aarch64`, `pkg-arm64`: as the host itself finds out. */
  readonly kind: string;
  readonly fileName: string;
  /** `https://…`, `http://…` or `s3://…`. */
  readonly url: string;
  readonly sha256: string;
}

/**
 * Each word is the name of a binary of the tree, or `URL#sha256=<hex>`. Throws USAGE for another
 * word, for two packages of one kind, and for a URL with a credential.
 */
export function agentPackages(
  words: readonly string[],
  config: TreeConfig,
  verified: VerifiedMetadata,
): AgentPackage[] {
  const packages = words.map((word) =>
    word.includes('://') ? byUrl(word) : byName(word, config, verified),
  );
  const kinds = packages.map(({ kind }) => kind);
  const twice = kinds.find((kind, index) => kinds.indexOf(kind) !== index);
  if (twice !== undefined) throw usage(`--agent: two packages for ${twice}`);
  return packages;
}

function byUrl(word: string): AgentPackage {
  const [, url = '', sha256 = ''] =
    /^(https?:\/\/[!-"$-~]+)#sha256=([0-9a-f]{64})$/.exec(word) ?? [];
  if (url === '') {
    throw usage(`--agent ${redact(word)}: wanted URL#sha256=<64 hex digits>, the URL in ASCII`);
  }
  if (redact(url) !== url) {
    throw usage(`--agent ${redact(url)} has a credential, and everyone on the host could read it`);
  }
  const fileName = posix.basename(new URL(url).pathname);
  return { kind: kindOf(fileName), fileName, url, sha256 };
}

function byName(name: string, config: TreeConfig, verified: VerifiedMetadata): AgentPackage {
  const found = listedBinaries(verified).find((binary) => binary.name === name);
  if (found === undefined) {
    throw new CodedError(`--agent ${name}: the tree has no binary of this name`, {
      code: 'USAGE',
      next: `mm binaries list; mm binaries put ${name}`,
    });
  }
  const { sha256 } = found;
  const url = `s3://${config.bucket}/${binaryKey(config.tree, { sha256, name })}`;
  return { kind: kindOf(name), fileName: name, url, sha256 };
}

const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^[\w.+~-]+_(amd64|arm64)\.deb$/, 'deb'],
  [/^[\w.+~-]+\.(x86_64|aarch64)\.rpm$/, 'rpm'],
  [/^[\w.+~-]+[-_.](x86_64|arm64)\.pkg$/, 'pkg'],
];

function kindOf(fileName: string): string {
  for (const [pattern, format] of NAMES) {
    const architecture = pattern.exec(fileName)?.[1];
    if (architecture !== undefined) return `${format}-${architecture}`;
  }
  throw usage(
    `--agent: ${fileName} does not say for which hosts it is; wanted a name such as miyamoto-agent_0.1.0_amd64.deb, miyamoto-agent-0.1.0-1.x86_64.rpm or miyamoto-agent-0.1.0-arm64.pkg`,
  );
}

function usage(message: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next: 'mm bootstrap --help' });
}
