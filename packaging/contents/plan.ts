import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifPresent } from '../../shared/files.ts';
import type { PackageFile } from './files.ts';

/** xz: small, for releases. zstd: fast, for tests. */
export type Compression = 'xz' | 'zstd';

/** Of a release: 100,000 hosts download it. */
export const MAX_RELEASE_BYTES = 30e6;

/** A package whose files are known and that is not written yet. */
export interface PackagePlan {
  /** `miyamoto_0.1.0_amd64.deb`. */
  readonly fileName: string;
  readonly files: readonly PackageFile[];
  /** All else that decides the bytes of the package: versions of tools, compression, a template. */
  readonly settings: unknown;
  /** Larger than this is a mistake. */
  readonly maxBytes?: number | undefined;
  write(path: string): Promise<void>;
}

export interface Written {
  readonly path: string;
  /** Whether an earlier build had written the same package. */
  readonly unchanged: boolean;
}

/**
 * Writes the package, unless an earlier call has written it from the same files and settings to the
 * same directory. A file beside the package says from what it was made.
 */
export async function writePackage(plan: PackagePlan, outputDirectory: string): Promise<Written> {
  const path = join(outputDirectory, plan.fileName);
  const stamp = join(outputDirectory, `.${plan.fileName}.made-from`);
  const key = keyOf(plan);
  const found = ifPresent(() => readFileSync(stamp, 'utf8'));
  if (found !== undefined && found === stampText(key, path)) return { path, unchanged: true };
  await mkdir(outputDirectory, { recursive: true });
  await rm(stamp, { force: true });
  await plan.write(path);
  const { size } = await stat(path);
  const { maxBytes = size } = plan;
  if (size > maxBytes) throw new Error(`${path}: ${size} bytes, at most ${maxBytes} are wanted`);
  await writeFile(stamp, stampText(key, path) ?? '');
  return { path, unchanged: false };
}

function keyOf({ files, settings }: PackagePlan): string {
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const { path, mode, content } of files) {
    hash.update(JSON.stringify([path, mode, content.length])).update(content);
  }
  return hash.digest('hex');
}

/** Undefined when there is no package at the path. */
function stampText(key: string, path: string): string | undefined {
  const bytes = ifPresent(() => readFileSync(path));
  if (bytes === undefined) return undefined;
  return `${key} ${createHash('sha256').update(bytes).digest('hex')}\n`;
}
