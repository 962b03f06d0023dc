import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ARCHITECTURES } from '../architectures.ts';
import { file, licences, type PackageFile } from '../contents/files.ts';
import { type Compression, MAX_RELEASE_BYTES, type PackagePlan } from '../contents/plan.ts';
import { type LinuxPackage, type Parts, packageContents } from '../linux/linux-package.ts';
import { stage } from '../linux/stage.ts';
import { specFile } from './spec.ts';

const run = promisify(execFile);

const PAYLOADS: Readonly<Record<Compression, string>> = { xz: 'w6.xzdio', zstd: 'w1.zstdio' };

/** For the RedHat family. The same sources, lockfile and rpmbuild give the same bytes. */
export async function planRpm(
  rpm: LinuxPackage,
  parts: Parts,
  compression: Compression,
): Promise<PackagePlan> {
  const { version, time } = parts.release;
  const { rpm: architecture } = ARCHITECTURES[parts.architecture];
  const files = await rpmContents(rpm, parts);
  const spec = await specFile(rpm, files, parts.release);
  const fileName = `${rpm.name}-${version}-1.${architecture}.rpm`;
  const macros = { ...REPRODUCIBLE, _binary_payload: PAYLOADS[compression] };
  const packer = (await run('rpmbuild', ['--version'])).stdout;
  return {
    fileName,
    files,
    maxBytes: compression === 'xz' ? MAX_RELEASE_BYTES : undefined,
    settings: { spec, macros, packer, time },
    async write(path) {
      const directory = await mkdtemp(join(tmpdir(), 'miyamoto-rpm-'));
      try {
        const staging = join(directory, 'staging');
        await stage(staging, { files, directories: rpm.directories, time });
        await writeFile(join(directory, 'package.spec'), spec);
        const defined = Object.entries({ ...macros, staging, _topdir: directory });
        await run(
          'rpmbuild',
          [
            ...['-bb', '--quiet', `--target=${architecture}-linux`],
            ...defined.flatMap(([name, value]) => ['--define', `${name} ${value}`]),
            join(directory, 'package.spec'),
          ],
          { env: { ...process.env, SOURCE_DATE_EPOCH: String(time), LC_ALL: 'C.UTF-8' } },
        );
        await copyFile(join(directory, 'RPMS', architecture, fileName), path);
      } finally {
        await rm(directory, { recursive: true });
      }
    },
  };
}

/** Nothing of the machine and the moment of the build goes into the package. */
const REPRODUCIBLE = {
  _buildhost: 'reproducible',
  _build_id_links: 'none',
  use_source_date_epoch_as_buildtime: '1',
  clamp_mtime_to_source_date_epoch: '1',
  _rpmfilename: '%%{ARCH}/%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm',
};

/** Every file that the package installs, with those that only this family has. */
async function rpmContents(rpm: LinuxPackage, parts: Parts): Promise<PackageFile[]> {
  return [
    ...(await packageContents(rpm, 'rpm', parts)),
    file(`usr/share/licenses/${rpm.name}/LICENSE`, await licences(rpm, parts)),
  ];
}
