import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The page without data: a frame, and what goes into it. */
export interface PageSource {
  readonly html: string;
  readonly style: string;
  readonly script: string;
}

const FOLDER = join(import.meta.dirname, 'page');

/**
 * Bundles the page. The built mm has its result instead of this module (packaging/bundle-page.ts),
 * because esbuild is there while developing only.
 */
export async function pageSource(): Promise<PageSource> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    absWorkingDir: FOLDER,
    entryPoints: ['main.ts', 'page.css'],
    outdir: FOLDER,
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser', // It also keeps `</script` and `</style` out of the output.
    target: ['chrome120', 'firefox121', 'safari17'],
    charset: 'utf8',
    write: false,
  });
  const textOf = (end: string): string =>
    outputFiles.find(({ path }) => path.endsWith(end))?.text.trim() ?? '';
  const html = await readFile(join(FOLDER, 'page.html'), 'utf8');
  return { html, style: textOf('.css'), script: textOf('.js') };
}
