import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { build, PROGRAMS, ROOT } from './build.ts';
import { AGENT } from './deb/agent.ts';
import { buildDeb, type Compression } from './deb/deb.ts';
import { OPERATOR } from './deb/operator.ts';

const HELP = `npm run package -- [--compression xz|zstd] [--output directory]
  --compression   xz: small, for releases (default); zstd: fast, for tests
  --output        default: build
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
    await build({ programs: PROGRAMS, outputDirectory: bundleDirectory });
    for (const deb of [AGENT, OPERATOR]) {
      const path = await buildDeb({ deb, bundleDirectory, outputDirectory, compression });
      const megabytes = ((await stat(path)).size / 1e6).toFixed(1);
      console.log(`${relative(process.cwd(), path)}  ${megabytes} MB`);
    }
  } finally {
    await rm(bundleDirectory, { recursive: true });
  }
}

function compression(name: string): Compression {
  if (name === 'xz' || name === 'zstd') return name;
  throw new Error(`--compression ${name}: expected xz or zstd`);
}
