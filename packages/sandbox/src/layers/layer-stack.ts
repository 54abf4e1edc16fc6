import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { sandboxFault } from '../fault.ts';
import type { UnpackedLayer } from './layer-cache.ts';

/** Where a path of an image leads, and what is there. */
export type Place = {
  /** Without links and without a slash in front; empty for the root. */
  readonly path: string;
  /** Undefined when the image has nothing there. */
  readonly stats: Stats | undefined;
};

const linkLimit = 40;

/** The layers of an image, lowest first, looked at as the one tree that they make. */
export class LayerStack {
  readonly #layers: readonly Required<UnpackedLayer>[];
  readonly #opaque: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(layers: readonly UnpackedLayer[]) {
    this.#layers = [...layers].reverse();
    this.#opaque = new Map(layers.map(({ folder, opaque }) => [folder, new Set(opaque)]));
  }

  /** The place that an absolute path leads to, links followed with the image as the root. @throws Fault `sandbox/command` */
  resolve(path: string): Place {
    let [current, stats] = ['', this.#look('')];
    let links = 0;
    const ahead = path.split('/').reverse();
    for (let part = ahead.pop(); part !== undefined; part = ahead.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        current = current.includes('/') ? current.slice(0, current.lastIndexOf('/')) : '';
        stats = this.#look(current);
        continue;
      }
      if (stats !== undefined && !stats.isDirectory()) throw notAFolder(path, current);
      const next = current === '' ? part : `${current}/${part}`;
      stats = this.#look(next);
      if (!stats?.isSymbolicLink()) {
        current = next;
        continue;
      }
      links += 1;
      if (links > linkLimit) throw notAFolder(path, next);
      const target = this.#linkAt(next);
      if (target.startsWith('/')) current = '';
      stats = this.#look(current);
      ahead.push(...target.split('/').reverse());
    }
    return { path: current, stats };
  }

  /** What the uppermost layer has at a path that leads through no links, unless a layer above hides it. */
  #look(path: string): Stats | undefined {
    return this.#find(path)?.stats;
  }

  #linkAt(path: string): string {
    const folder = this.#find(path)?.folder;
    return folder === undefined ? '' : readlinkSync(`${folder}/${path}`);
  }

  #find(path: string): { readonly folder: string; readonly stats: Stats } | undefined {
    for (const { folder } of this.#layers) {
      const stats = lstatSync(`${folder}/${path}`, { throwIfNoEntry: false });
      if (stats !== undefined) return stats.isCharacterDevice() ? undefined : { folder, stats };
      if (this.#hides(folder, path)) return undefined;
    }
    return undefined;
  }

  /** Whether a layer that has not got a path keeps those below from showing theirs. */
  #hides(folder: string, path: string): boolean {
    const opaque = this.#opaque.get(folder);
    for (let end = path.lastIndexOf('/'); ; end = path.lastIndexOf('/', end - 1)) {
      const above = end === -1 ? '' : path.slice(0, end);
      if (opaque?.has(above)) return true;
      if (end === -1) return false;
      const stats = lstatSync(`${folder}/${above}`, { throwIfNoEntry: false });
      if (stats !== undefined && !stats.isDirectory()) return true;
    }
  }
}

function notAFolder(path: string, at: string) {
  return sandboxFault('sandbox/command', {
    what: `The path "${path}" cannot be made in this image: "/${at}" is no folder`,
    subject: path,
    hint: 'Choose another path.',
  });
}
