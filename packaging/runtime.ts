import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './build.ts';

const run = promisify(execFile);

export interface Runtime {
  readonly program: Uint8Array;
  readonly license: string;
}

/**
 * The pinned Node of an npm package without its symbols: 18 MB less on every host. Refuses one that does not say the
 * pinned version. Linux only: stripping a macOS binary breaks its signature. Needs strip.
 */
export async function strippedRuntime(npmPackage: string): Promise<Runtime> {
  const folder = join(ROOT, 'node_modules', npmPackage);
  const directory = await mkdtemp(join(tmpdir(), 'miyamoto-runtime-'));
  try {
    const stripped = join(directory, 'node');
    await run('strip', ['--strip-all', '-o', stripped, join(folder, 'bin/node')]);
    const { stdout } = await run(stripped, ['--version']);
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    if (stdout.trim() !== `v${version}`) {
      throw new Error(`${folder} should hold Node ${version}, its program says ${stdout.trim()}`);
    }
    return {
      program: await readFile(stripped),
      license: await readFile(join(folder, 'LICENSE'), 'utf8'),
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}
