import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ARCHITECTURES, type Architecture } from '../architectures.ts';
import { file, gzip, licences, type PackageFile, source } from '../contents/files.ts';
import {
  type Compression,
  MAX_RELEASE_BYTES,
  type PackagePlan,
  writePackage,
} from '../contents/plan.ts';
import { currentRelease } from '../contents/release.ts';
import { AGENT } from '../linux/agent.ts';
import { type LinuxPackage, type Parts, packageContents } from '../linux/linux-package.ts';
import { stage } from '../linux/stage.ts';
import { strippedRuntime } from '../runtime.ts';
import { controlFiles } from './control.ts';

const run = promisify(execFile);

/** dpkg-deb's arguments. */
const COMPRESSIONS: Readonly<Record<Compression, readonly string[]>> = {
  xz: ['-Zxz'],
  zstd: ['-Zzstd', '-z1'],
};

export interface DebRequest {
  /** By default the agent's. */
  readonly deb?: LinuxPackage;
  /** By default x64. */
  readonly architecture?: Architecture;
  /** Holds what `build` wrote. */
  readonly bundleDirectory: string;
  readonly outputDirectory: string;
  readonly compression: Compression;
}

/** Makes one package and returns its path; see {@link planDeb}. */
export async function buildDeb(request: DebRequest): Promise<string> {
  const { deb = AGENT, architecture = 'x64', bundleDirectory, compression } = request;
  const [release, runtime] = [await currentRelease(), await strippedRuntime(architecture)];
  const parts = { bundleDirectory, runtime, release, architecture };
  const plan = await planDeb(deb, parts, compression);
  return (await writePackage(plan, request.outputDirectory)).path;
}

/** The same sources, lockfile and dpkg give the same bytes. Needs dpkg-deb. */
export async function planDeb(
  deb: LinuxPackage,
  parts: Parts,
  compression: Compression,
): Promise<PackagePlan> {
  const { version, time } = parts.release;
  const { deb: architecture } = ARCHITECTURES[parts.architecture];
  const contents = await debContents(deb, parts);
  const control = await controlFiles(deb, contents, { version, architecture });
  const files = [...contents, ...control];
  const options = ['--root-owner-group', ...COMPRESSIONS[compression], '--build'];
  const packer = (await run('dpkg-deb', ['--version'])).stdout;
  return {
    fileName: `${deb.name}_${version}_${architecture}.deb`,
    files,
    maxBytes: compression === 'xz' ? MAX_RELEASE_BYTES : undefined,
    settings: { options, packer, time, directories: deb.directories },
    async write(path) {
      const staging = await mkdtemp(join(tmpdir(), 'miyamoto-deb-'));
      try {
        await stage(staging, { files, directories: deb.directories, time });
        await run('dpkg-deb', [...options, staging, path], {
          // How xz cuts its blocks depends on the number of threads.
          env: { ...process.env, SOURCE_DATE_EPOCH: String(time), DPKG_DEB_THREADS_MAX: '1' },
        });
      } finally {
        await rm(staging, { recursive: true });
      }
    },
  };
}

/** Every file that the package installs, with those that only Debian has. */
async function debContents(deb: LinuxPackage, parts: Parts): Promise<PackageFile[]> {
  const { name } = deb;
  const documents = `usr/share/doc/${name}`;
  const overrides = await Promise.all(
    deb.deb.overrides.map((name) => source(`packaging/deb/${name}`)),
  );
  return [
    ...(await packageContents(deb, 'deb', parts)),
    // All in one file: minimal systems keep only this document of a package.
    file(`${documents}/copyright`, await licences(deb, parts)),
    file(`${documents}/changelog.gz`, gzip(parts.release.changelog)),
    file(`usr/share/lintian/overrides/${name}`, overrides.join('').replaceAll('@PACKAGE@', name)),
  ];
}
