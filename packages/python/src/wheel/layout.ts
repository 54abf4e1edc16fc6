import { pythonFault } from '../fault.ts';
import { isReservedName } from './entry-points.ts';

/** Where in the environment the files of a wheel go. */
export type Layout = {
  readonly prefix: string;
  readonly sitePackages: string;
  readonly scripts: string;
  readonly headers: string;
};

/** Where a file of a wheel goes, and whether it is a script. */
export type Destination = { readonly path: string; readonly isScript: boolean };

/** The layout of a virtual environment (sysconfig's `venv` scheme, headers as pip has them). */
export function layoutOf(prefix: string, pythonVersion: string, name: string): Layout {
  return {
    prefix,
    sitePackages: `${prefix}/lib/python${pythonVersion}/site-packages`,
    scripts: `${prefix}/bin`,
    headers: `${prefix}/include/site/python${pythonVersion}/${name}`,
  };
}

/**
 * Where an entry of a wheel goes (PEP 427, "The .data directory").
 *
 * @throws Fault `wheel/metadata` for an unknown folder in .data, `wheel/unsafe-path` for a file that would replace
 *   the environment's own
 */
export function destinationOf(entryName: string, layout: Layout, filename: string): Destination {
  const [top = '', key = '', ...rest] = entryName.split('/');
  if (!top.endsWith('.data') || !entryName.includes('/'))
    return { path: `${layout.sitePackages}/${entryName}`, isScript: false };
  const folders: Readonly<Record<string, string>> = {
    purelib: layout.sitePackages,
    platlib: layout.sitePackages,
    scripts: layout.scripts,
    headers: layout.headers,
    data: layout.prefix,
  };
  const folder = Object.hasOwn(folders, key) ? folders[key] : undefined;
  if (folder === undefined || rest.length === 0) {
    throw pythonFault('wheel/metadata', {
      what: `${filename} holds "${entryName}", whose place in an environment is not defined`,
      subject: filename,
      hint: "Below .data, wheels have purelib, platlib, scripts, headers and data; report it to the package's authors.",
    });
  }
  const path = `${folder}/${rest.join('/')}`;
  const inScripts = path.startsWith(`${layout.scripts}/`) ? path.slice(layout.scripts.length + 1) : '';
  if (path === `${layout.prefix}/pyvenv.cfg` || isReservedName(inScripts)) {
    throw pythonFault('wheel/unsafe-path', {
      what: `${filename} holds "${entryName}", which would replace a file of the environment`,
      subject: filename,
      hint: 'Do not use this file; report it to the package index.',
    });
  }
  return { path, isScript: key === 'scripts' };
}

/** A path as RECORD has it: relative to site-packages, with `..` for what lies elsewhere (PEP 376). */
export function recordPath(path: string, layout: Layout): string {
  if (path.startsWith(`${layout.sitePackages}/`)) return path.slice(layout.sitePackages.length + 1);
  // site-packages lies three folders below the prefix: lib, pythonX.Y, site-packages.
  return `../../../${path.slice(layout.prefix.length + 1)}`;
}
