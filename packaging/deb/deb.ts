import { execFile } from 'node:child_process';
import { chmod, lutimes, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { version } from '../build.ts';
import { AGENT } from './agent.ts';
import { type DebPackage, type PackageFile, packageContents } from './contents.ts';
import { changelogTime, controlFiles } from './control.ts';

const run = promisify(execFile);

const ARCHITECTURE = 'amd64';

/** dpkg-deb's arguments: small for releases, quick for tests. */
const COMPRESSIONS = { xz: ['-Zxz'], zstd: ['-Zzstd', '-z1'] } as const;
export type Compression = keyof typeof COMPRESSIONS;

export interface DebRequest {
  /** By default the agent's. */
  readonly deb?: DebPackage;
  /** Holds what `build` wrote. */
  readonly bundleDirectory: string;
  readonly outputDirectory: string;
  readonly compression: Compression;
}

/**
 * Makes the package and returns its path. The same sources, lockfile and dpkg give the same bytes.
 * Needs dpkg-deb and strip.
 */
export async function buildDeb(request: DebRequest): Promise<string> {
  const fields = { version: await version(), architecture: ARCHITECTURE };
  const { deb = AGENT } = request;
  const changelog = await readFile(join(import.meta.dirname, 'changelog'), 'utf8');
  const time = changelogTime(changelog, fields.version);
  const date = new Date(time * 1000).toISOString().slice(0, 'YYYY-MM-DD'.length);
  const release = { version: fields.version, date };
  const contents = await packageContents(deb, request.bundleDirectory, release);

  const staging = await mkdtemp(join(tmpdir(), 'miyamoto-deb-'));
  try {
    for (const path of deb.directories) await makeDirectory(staging, path);
    await stage(staging, [...contents, ...(await controlFiles(deb, contents, fields))]);
    await setTimes(staging, time);
    await mkdir(request.outputDirectory, { recursive: true });
    const name = `${deb.name}_${fields.version}_${ARCHITECTURE}.deb`;
    const path = join(request.outputDirectory, name);
    const options = ['--root-owner-group', ...COMPRESSIONS[request.compression], '--build'];
    await run('dpkg-deb', [...options, staging, path], {
      // How xz cuts its blocks depends on the number of threads.
      env: { ...process.env, SOURCE_DATE_EPOCH: String(time), DPKG_DEB_THREADS_MAX: '1' },
    });
    return path;
  } finally {
    await rm(staging, { recursive: true });
  }
}

async function stage(staging: string, files: readonly PackageFile[]): Promise<void> {
  await chmod(staging, 0o755);
  for (const { path, mode, content } of files) {
    await makeDirectory(staging, dirname(path));
    await writeFile(join(staging, path), content);
    await chmod(join(staging, path), mode);
  }
}

/** Creates it with mode 0755 under any umask of the builder. */
async function makeDirectory(staging: string, path: string): Promise<void> {
  if (path === '.') return;
  await makeDirectory(staging, dirname(path));
  await mkdir(join(staging, path), { recursive: true });
  await chmod(join(staging, path), 0o755);
}

async function setTimes(staging: string, time: number): Promise<void> {
  for (const path of ['.', ...(await readdir(staging, { recursive: true }))]) {
    await lutimes(join(staging, path), time, time);
  }
}
