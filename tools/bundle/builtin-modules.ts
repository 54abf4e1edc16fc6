import type { Plugin } from 'esbuild';

/** Node's own modules by what a bundle calls them. */
const names = new Map<string, string>();

/**
 * Node's own modules, each loaded when something of it is used for the first time. Importing one evaluates every export that it has
 * and loads modules for those that nobody needs: a third of a command's start.
 */
export const builtinModules: Plugin = {
  name: 'builtin-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => {
      // In the bundle they are named after the last part of their paths, and two end in /promises.
      const oneWord = path.replaceAll('/', '_');
      names.set(oneWord.replace(':', '_'), path);
      return { path: oneWord, namespace: 'builtin-module', pluginData: path };
    });
    onLoad({ filter: /./, namespace: 'builtin-module' }, ({ pluginData }) => ({ contents: moduleText(pluginData) }));
  },
};

/**
 * A bundle in which each importer of a lazy module uses the one that there is. esbuild gives everybody a copy of a CommonJS module, so that
 * it has a default export and can be what the specification says; ours has one.
 */
export function withoutCopies(bundle: string): string {
  return bundle.replace(/__toESM\d*\((require_(node_\w+)\(\))(?:, 1)?\)/g, (whole, module: string, name: string) => {
    const path = names.get(name);
    return path !== undefined && isLazy(path) ? module : whole;
  });
}

function moduleText(name: string): string {
  const load = `process.getBuiltinModule(${JSON.stringify(name)})`;
  const module = process.getBuiltinModule(name);
  if (!isLazy(name) || module === undefined) return `module.exports = ${load};`;
  const getters = Object.keys(module)
    .filter((key) => key !== 'default')
    .map((key) => `get ${JSON.stringify(key)}() { return loaded().${key}; },`);
  return [
    `let found;\nconst loaded = () => (found ??= ${load});`,
    `module.exports = {\nget default() { return loaded(); },\n${getters.join('\n')}\n};`,
  ].join('\n');
}

/** Modules that are functions are used as such, and what is set on `process` has to arrive there. */
function isLazy(name: string): boolean {
  const module: unknown = process.getBuiltinModule(name);
  return typeof module === 'object' && module !== null && module !== process;
}
