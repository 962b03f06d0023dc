import { join } from 'node:path';
import { build } from 'esbuild';
import { rubyTexts } from '../../packaging/bundle-ruby.ts';

/** Bundles the driver of the agent's Puppet into one file, for a box that has no checkout. */
export async function bundleDriver(outfile: string): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, '../fixtures/puppet/driver.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    plugins: [rubyTexts],
  });
}
