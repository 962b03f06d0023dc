import { builtinModules } from 'node:module';
import type { Plugin } from 'esbuild';

/**
 * Node's own modules by `process.getBuiltinModule`, name by name. An `import` of one makes Node read every export that it
 * has: of `node:http` that loads fetch and WebSocket, which takes as long as Node itself takes to start. And it does so
 * where the file begins, also for code that is never reached.
 */
export const nodeModules: Plugin = {
  name: 'node-modules',
  setup(build) {
    build.onResolve({ filter: /^(node:)?[a-z_/0-9]+$/ }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '');
      if (!builtinModules.includes(name)) return undefined;
      return { path: name, namespace: kind === 'require-call' ? REQUIRED : IMPORTED };
    });
    build.onLoad({ filter: /./, namespace: REQUIRED }, ({ path }) => ({
      contents: `module.exports=${SELDOM.has(path) ? getters(path) : get(path)}`,
    }));
    build.onLoad({ filter: /./, namespace: IMPORTED }, ({ path }) => ({
      contents: [`const all=${PURE}${get(path)};`, ...namesOf(path).map(exported)].join('\n'),
    }));
  },
};

const REQUIRED = 'node-module-required';
const IMPORTED = 'node-module-imported';
/** Required by packages where they begin, for functions that are called seldom or never: got when one is. */
const SELDOM = new Set(['fs/promises']);
/** What is not used may be left out. */
const PURE = '/*@__PURE__*/';

function get(name: string): string {
  return `process.getBuiltinModule(${JSON.stringify(name)})`;
}

function namesOf(name: string): string[] {
  const names = Object.getOwnPropertyNames(process.getBuiltinModule(name));
  return [...names.filter((own) => /^[A-Za-z]\w*$/.test(own) && own !== 'default'), 'default'];
}

function getters(name: string): string {
  const all = namesOf(name).map((own) => `get ${own}(){return ${get(name)}.${own}}`);
  return `{${all.join(',')}}`;
}

function exported(name: string): string {
  if (name === 'default') return 'export default all;';
  return `const ${name}_=${PURE}(()=>all.${name})();export{${name}_ as ${name}};`;
}
