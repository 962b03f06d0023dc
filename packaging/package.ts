import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { ARCHITECTURES, type Architecture } from './architectures.ts';
import { build, PROGRAMS, ROOT } from './build.ts';
import { type Compression, type PackagePlan, writePackage } from './contents/plan.ts';
import { currentRelease } from './contents/release.ts';
import { planDeb } from './deb/deb.ts';
import { AGENT } from './linux/agent.ts';
import type { Parts } from './linux/linux-package.ts';
import { OPERATOR } from './linux/operator.ts';
import { AGENT as MAC_AGENT } from './macos/agent.ts';
import { OPERATOR as MAC_OPERATOR } from './macos/operator.ts';
import { type MacParts, planPkg } from './macos/pkg.ts';
import { MAC_ARCHITECTURES, signedRuntime } from './macos/runtime.ts';
import { planRpm } from './rpm/rpm.ts';
import { strippedRuntime } from './runtime.ts';

const HELP = `npm run package -- [--compression xz|zstd] [--output directory]
  --compression   of debs and rpms; xz: small, for releases (default); zstd: fast, for tests
  --output        default: build
A package that an earlier call wrote from the same files is not written again.
`;

const { values } = parseArgs({
  options: {
    compression: { type: 'string', default: 'xz' },
    output: { type: 'string', default: join(ROOT, 'build') },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(HELP);
} else {
  await makePackages(compression(values.compression), values.output);
}

async function makePackages(compression: Compression, outputDirectory: string): Promise<void> {
  const bundleDirectory = await mkdtemp(join(tmpdir(), 'miyamoto-bundle-'));
  try {
    console.log('bundling mm-agent and mm');
    await build({ programs: PROGRAMS, outputDirectory: bundleDirectory });
    const release = await currentRelease();
    for (const architecture of Object.keys(ARCHITECTURES) as Architecture[]) {
      console.log(`stripping Node for ${architecture}`);
      const runtime = await strippedRuntime(architecture);
      const parts = { bundleDirectory, architecture, runtime, release };
      for (const plan of plans(parts, compression)) await make(await plan, outputDirectory);
    }
    for (const architecture of MAC_ARCHITECTURES) {
      console.log(`checking the signature of Node for Macs with ${architecture}`);
      const runtime = await signedRuntime(architecture);
      const parts = { bundleDirectory, architecture, runtime, release };
      for (const plan of macPlans(parts)) await make(await plan, outputDirectory);
    }
  } finally {
    await rm(bundleDirectory, { recursive: true });
  }
}

/** Each is made when it is its turn: a plan holds all files of its package. */
function* plans(parts: Parts, compression: Compression): Generator<Promise<PackagePlan>> {
  for (const linuxPackage of [AGENT, OPERATOR]) {
    yield planDeb(linuxPackage, parts, compression);
    yield planRpm(linuxPackage, parts, compression);
  }
}

function* macPlans(parts: MacParts): Generator<Promise<PackagePlan>> {
  for (const macPackage of [MAC_AGENT, MAC_OPERATOR]) yield planPkg(macPackage, parts);
}

async function make(plan: PackagePlan, outputDirectory: string): Promise<void> {
  const shown = relative(process.cwd(), join(outputDirectory, plan.fileName));
  process.stdout.write(`${shown}  `);
  const start = Date.now();
  const { path, unchanged } = await writePackage(plan, outputDirectory);
  const megabytes = ((await stat(path)).size / 1e6).toFixed(1);
  const seconds = Math.round((Date.now() - start) / 1000);
  console.log(`${megabytes} MB  ${unchanged ? 'unchanged' : `${seconds} s`}`);
}

function compression(name: string): Compression {
  if (name === 'xz' || name === 'zstd') return name;
  throw new Error(`--compression ${name}: expected xz or zstd`);
}
