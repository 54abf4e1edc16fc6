import type { Plugin } from 'esbuild';

/**
 * Node's own modules, each loaded when something of it is used for the first time. Importing one evaluates every export that it has
 * and loads modules for those that nobody needs: a third of a command's start.
 */
export const builtinModules: Plugin = {
  name: 'builtin-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin-module' }));
    onLoad({ filter: /./, namespace: 'builtin-module' }, ({ path }) => ({ contents: lazyModule(path) }));
  },
};

function lazyModule(name: string): string {
  const load = `process.getBuiltinModule(${JSON.stringify(name)})`;
  const module: unknown = process.getBuiltinModule(name);
  // Modules that are functions are used as such, and what is set on `process` has to arrive there.
  if (typeof module !== 'object' || module === null || module === process) return `module.exports = ${load};`;
  const getters = Object.keys(module).map((key) => `get ${JSON.stringify(key)}() { return loaded().${key}; },`);
  return `let found;\nconst loaded = () => (found ??= ${load});\nmodule.exports = {\n${getters.join('\n')}\n};`;
}
