import type { Cleanup } from './cleanup.ts';
import { copyHome } from './home.ts';
import { build } from './mir.ts';

/** A spec as the words of a build, and what an undisturbed build of it gave. */
export type KnownSpec = {
  readonly words: readonly string[];
  readonly digest: string;
  /** Of all that was not there after the specs before it. */
  readonly receivedBytes: number;
  readonly milliseconds: number;
};

/** Small wheels without dependencies of their own, or with theirs beside them; two are large enough for a layer of their own. */
const wheels = [
  'six==1.16.0',
  'markupsafe==2.1.5',
  'pygments==2.18.0',
  'idna==3.7',
  'certifi==2024.6.2',
  'click==8.1.7',
  'packaging==24.0',
  'attrs==23.2.0',
  'pyyaml==6.0.1',
  'tomli==2.0.1',
  'itsdangerous==2.2.0',
  'zipp==3.19.2',
  'wrapt==1.16.0',
  'pytz==2024.1',
  'docutils==0.21.2',
  'psutil==6.0.0',
] as const;

/** So many specs that overlap, built one after the other in a copy of a home: four wheels each, half of them shared with the next. */
export async function buildOverlapping(template: string, count: number, cleanup: Cleanup): Promise<KnownSpec[]> {
  const home = await copyHome(template, cleanup);
  const known: KnownSpec[] = [];
  for (let at = 0; at < count; at += 1) {
    const chosen = [0, 1, 2, 3].map((step) => wheels[(at * 2 + step) % wheels.length] ?? 'six==1.16.0');
    const words = ['--python', '3.11', ...chosen.flatMap((wheel) => ['-p', wheel]), '-t', `overlap:${at}`];
    const startedAt = performance.now();
    const { digest, receivedBytes } = await build(words, { home });
    known.push({ words, digest, receivedBytes, milliseconds: performance.now() - startedAt });
  }
  return known;
}
