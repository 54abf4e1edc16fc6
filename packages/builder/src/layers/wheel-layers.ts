import { createHash } from 'node:crypto';
import {
  type CoreMetadata,
  downloadHeaders,
  type IndexSettings,
  indexSettingsOfMachine,
  type LockedPackage,
  type LockedWheel,
  wheelConverterVersion,
} from '@mir/python';
import type { Compiler } from '../base/interpreter.ts';
import { builderFault } from '../fault.ts';
import { forgetResolutions } from '../lock/resolution.ts';
import { recall, remember } from '../memory.ts';
import type { Workshop } from '../workshop.ts';
import { bytecodeLayerVersion } from './bytecode-layer.ts';
import type { ConversionNews, WheelPlace } from './conversion.ts';
import { GrowingLayer, type Growth, growingBytes } from './growing-layer.ts';
import type { LayerKey, LayerRecord } from './layer-store.ts';
import { venvPrefix } from './venv-layer.ts';

/** Raised whenever the same entries would give other facts. */
const factsVersion = 1;

/** The layers that a wheel becomes. */
export type WheelLayers = {
  readonly wheel: LayerRecord;
  /** Undefined where no bytecode is made or the wheel has no modules. */
  readonly bytecode: LayerRecord | undefined;
};

/** A package of a lock with its layers. */
export type PackageLayers = WheelLayers & { readonly package: LockedPackage };

/** Told of each wheel's layer when it is there, before its bytecode is. */
export type WheelLayerListener = (name: string, layer: LayerRecord) => void;

/** Who follows the conversion of a wheel. */
export type WheelListener = {
  readonly onLayer?: WheelLayerListener;
  /** Told of what a wheel requires as soon as it is read; not for one whose layer is there already. */
  readonly onMetadata?: (metadata: CoreMetadata) => void;
};

/** The key of a wheel's layer: hashes of verified inputs and versions of ours, nothing of the base (DESIGN 4.1, 4.5). */
export function wheelKey(wheel: LockedWheel, pythonVersion: string): LayerKey {
  const versions = `converter ${wheelConverterVersion}.${factsVersion}`;
  return ['wheel', wheel.sha256, minorOf(pythonVersion), venvPrefix, versions];
}

/** The layers of all packages of a lock; what is not there yet is downloaded and converted, the largest first. */
export async function wheelLayers(
  workshop: Workshop,
  packages: readonly LockedPackage[],
  pythonVersion: string,
  compiler: Compiler | undefined,
  onLayer: WheelLayerListener = () => undefined,
): Promise<readonly PackageLayers[]> {
  const index = await indexSettingsOfMachine(workshop.environment);
  const conversions = packages.map(async (one): Promise<PackageLayers> => {
    const early = await workshop.earlyWheels.get(one.wheel.sha256)?.layers.catch(() => undefined);
    const layers = early ?? (await convertWheel(workshop, index, one, pythonVersion, compiler, { onLayer }));
    if (early !== undefined) onLayer(one.name, early.wheel);
    return { package: one, ...layers };
  });
  try {
    return await all(conversions);
  } catch (thrown) {
    await forgetResolutions(workshop);
    throw thrown;
  }
}

/** The layers of one wheel; what is not there yet is downloaded and converted. */
export async function convertWheel(
  workshop: Workshop,
  index: IndexSettings,
  one: Pick<LockedPackage, 'name' | 'wheel'>,
  pythonVersion: string,
  compiler: Compiler | undefined,
  listener: WheelListener = {},
): Promise<WheelLayers> {
  const { wheel } = one;
  let beside: LayerRecord | undefined;
  const record = await workshop.layers.findOrMake(wheelKey(wheel, pythonVersion), async () => {
    const { filename, sha256, sizeBytes } = wheel;
    workshop.report({ type: 'expect', bytes: sizeBytes });
    const conversion = {
      kind: 'wheel',
      from: placeOf(wheel, index),
      installation: { filename, sha256, sizeBytes, pythonVersion: minorOf(pythonVersion), prefix: venvPrefix },
      ...(compiler?.kind === 'archive' && { interpreter: await compiler.prepare() }),
    } as const;
    let growing: GrowingLayer | undefined;
    let metadata: CoreMetadata | undefined;
    const follow = (news: ConversionNews) => {
      if ('receivedBytes' in news) {
        workshop.report({ type: 'received', bytes: news.receivedBytes, name: one.name });
      } else if ('metadata' in news) {
        metadata = news.metadata;
        listener.onMetadata?.(metadata);
      } else if (growing !== undefined) growing.grow(news.growth);
      else if (sizeBytes >= growingBytes) growing = showGrowing(workshop, news.growth);
    };
    try {
      const { layer, bytecode } = await workshop.pool.run(conversion, sizeBytes, follow);
      growing?.finish(layer);
      if (metadata !== undefined) await remember(workshop, 'metadata', [sha256], metadata);
      beside = bytecode;
      return layer;
    } catch (thrown) {
      growing?.fail(thrown);
      throw thrown;
    }
  });
  listener.onLayer?.(one.name, record);
  if (compiler === undefined) return { wheel: record, bytecode: undefined };
  const bytecode = await workshop.layers.findOrMake(bytecodeKey(wheel, compiler), async () => {
    if (beside !== undefined) return beside;
    await workshop.contents.bring([record.digest]);
    if (compiler.kind === 'own') return compiler.compile(record.digest);
    const conversion = { kind: 'bytecode', layer: record.digest, interpreter: await compiler.prepare() } as const;
    return (await workshop.pool.run(conversion, record.uncompressedSizeBytes)).layer;
  });
  return { wheel: record, bytecode: bytecode.isEmpty === true ? undefined : bytecode };
}

/** What a wheel requires, where it was converted here before. */
export function recallMetadata(workshop: Workshop, { sha256 }: LockedWheel): CoreMetadata | undefined {
  return recall<CoreMetadata>(workshop, 'metadata', [sha256]);
}

function showGrowing(workshop: Workshop, begun: Growth): GrowingLayer {
  const growing = new GrowingLayer(begun);
  for (const follow of workshop.layerFollowers) follow(growing);
  return growing;
}

/** Like Promise.all, but waits for every conversion to end before it fails: none may go on behind the fault. */
async function all<Result>(promises: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

function bytecodeKey(wheel: LockedWheel, compiler: Compiler): LayerKey {
  const what = createHash('sha256')
    .update([wheel.sha256, `converter ${wheelConverterVersion}`].join('\n'))
    .digest('hex');
  const versions = `converter ${bytecodeLayerVersion}`;
  return ['bytecode', what, compiler.pythonVersion, venvPrefix, compiler.digest, versions];
}

function placeOf({ url, localPath, filename }: LockedWheel, index: IndexSettings): WheelPlace {
  if (localPath !== undefined) return { path: localPath };
  if (url !== undefined) return { url, headers: downloadHeaders(index, url) };
  throw builderFault('lock/unreadable', {
    what: `The lock does not say where ${filename} is, and its layer is not here`,
    subject: filename,
    hint: 'Use the lock file with addresses, or build from the requirements.',
  });
}

function minorOf(pythonVersion: string): string {
  return pythonVersion.split('.').slice(0, 2).join('.');
}
