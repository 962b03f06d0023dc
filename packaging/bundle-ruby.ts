import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * Puts the Ruby files into the program. In the sources, ruby-source.ts reads them from its folder,
 * which does not exist on a host.
 */
export const rubyTexts: Plugin = {
  name: 'ruby-texts',
  setup(build) {
    build.initialOptions.loader = { ...build.initialOptions.loader, '.rb': 'text' };
    build.onLoad({ filter: /\/ruby\/ruby-source\.ts$/ }, async ({ path }) => {
      const folder = dirname(path);
      const names = (await readdir(folder)).filter((name) => name.endsWith('.rb')).sort();
      const imports = names.map((name, index) => `import t${index} from './${name}';`);
      const texts = names.map((name, index) => `${JSON.stringify(name)}: t${index}`);
      const contents = `${imports.join('')}
        const texts = {${texts.join()}};
        export function rubySource(name) { return texts[name]; }
        export function rubySources() { return texts; }`;
      return { contents, resolveDir: folder, loader: 'js' };
    });
  },
};
