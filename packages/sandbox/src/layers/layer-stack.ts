import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { sandboxFault } from '../fault.ts';
import type { UnpackedLayer } from './layer-cache.ts';
import type { LowerLinks } from './layer-tree.ts';

/** Where a path of an image leads, and what is there. */
export type Place = {
  /** Without links and without a slash in front; empty for the root. */
  readonly path: string;
  /** Undefined when the image has nothing there. */
  readonly stats: Stats | undefined;
};

const linkLimit = 40;

/** What a layer has at a path. */
type Found = { readonly folder: string; readonly stats: Stats };

/** The layers of an image, lowest first, looked at as the one tree that they make. */
export class LayerStack {
  readonly #layers: readonly UnpackedLayer[];
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

  /** Which of some paths are links, and what they lead to. */
  linksAmong(paths: readonly string[]): LowerLinks {
    const isLink = (path: string) => this.#look(path)?.isSymbolicLink() ?? false;
    return new Map(paths.filter(isLink).map((path) => [path, `/${this.resolve(`/${path}`).path}`]));
  }

  /** What the uppermost layer has at a path that leads through no links, unless a layer above hides it. */
  #look(path: string): Stats | undefined {
    return this.#find(path)?.stats;
  }

  #linkAt(path: string): string {
    const folder = this.#find(path)?.folder;
    return folder === undefined ? '' : readlinkSync(`${folder}/${path}`);
  }

  #find(path: string): Found | undefined {
    for (const layer of this.#layers) {
      const found = this.#findIn(layer, path);
      if (found === 'hidden') return undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Looks part by part: a link on the way, which this machine would follow, hides what the layers below have. */
  #findIn({ folder }: UnpackedLayer, path: string): Found | 'hidden' | undefined {
    const opaque = this.#opaque.get(folder);
    let isOpaque = opaque?.has('') ?? false;
    for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
      const part = end === -1 ? path : path.slice(0, end);
      const stats = lstatSync(`${folder}/${part}`, { throwIfNoEntry: false });
      if (stats === undefined) return isOpaque ? 'hidden' : undefined;
      if (end === -1) return stats.isCharacterDevice() ? 'hidden' : { folder, stats };
      if (!stats.isDirectory()) return 'hidden';
      isOpaque ||= opaque?.has(part) ?? false;
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
