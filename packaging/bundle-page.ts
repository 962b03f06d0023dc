import type { Plugin } from 'esbuild';
import { pageSource } from '../operator/fleet/report/page-source.ts';

/** Puts the page of `mm fleet report` into the program, bundled. */
export const bundledPage: Plugin = {
  name: 'bundled-page',
  setup(build) {
    build.onLoad({ filter: /\/report\/page-source\.ts$/ }, async () => ({
      contents: `const source = ${JSON.stringify(await pageSource())};
        export async function pageSource() { return source; }`,
      loader: 'js',
    }));
  },
};
