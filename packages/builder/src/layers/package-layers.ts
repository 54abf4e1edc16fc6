import type { TreeEntry } from '@mir/core';
import type { DebFacts } from '@mir/debian';
import { debConverterVersion } from '@mir/debian';
import { LayerWriter } from '@mir/oci';
import type { DebSource } from '../base/base.ts';
import type { Workshop } from '../workshop.ts';
import type { ConversionNews } from './conversion.ts';
import { loadJson } from './facts-blob.ts';
import type { LayerKey, LayerRecord } from './layer-store.ts';

/** A .deb and the layer of its files. */
export type PackageLayer = { readonly package: DebSource; readonly record: LayerRecord };

/**
 * The layers of some .debs, in their order; those that are not there yet are downloaded and converted. They are shared unless they are only
 * the parts of something that is shared as a whole.
 */
export async function packageLayers(
  workshop: Workshop,
  packages: readonly DebSource[],
  mergedUsr: boolean,
  proxy: string | undefined,
  options: { readonly isShared: boolean },
): Promise<readonly PackageLayer[]> {
  const known = await Promise.all(packages.map((one) => workshop.layers.find(debKey(one, mergedUsr))));
  const missing = packages.filter((_, at) => known[at] === undefined);
  workshop.report({ type: 'expect', bytes: missing.reduce((sum, one) => sum + one.sizeBytes, 0) });
  return Promise.all(
    packages.map(async (one, at) => ({
      package: one,
      record:
        (options.isShared ? undefined : known[at]) ?? (await findOrConvert(workshop, one, mergedUsr, proxy, options)),
    })),
  );
}

/** What configuring needs to know of each of these packages. */
export function factsOf(workshop: Workshop, layers: readonly PackageLayer[]): Promise<DebFacts[]> {
  return Promise.all(
    layers.map(({ record, package: { name } }) => {
      if (record.facts === undefined) throw new TypeError(`the layer of ${name} has no facts`);
      return loadJson<DebFacts>(workshop.contents, record.facts);
    }),
  );
}

/** Joins layers that we wrote into one. */
export async function joinLayers(workshop: Workshop, records: readonly LayerRecord[]): Promise<LayerRecord> {
  await workshop.contents.bring(records.map(({ digest }) => digest));
  const layers = records.map(({ digest }) => digest);
  const weight = records.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return (await workshop.pool.run({ kind: 'join', layers }, weight)).layer;
}

/** Writes a layer of entries that are all at hand. */
export async function writeLayer(workshop: Workshop, entries: Iterable<TreeEntry>): Promise<LayerRecord> {
  await using blob = await workshop.blobs.write();
  const writer = new LayerWriter(blob);
  for (const entry of entries) await writer.add(entry);
  const layer = await writer.finish();
  await blob.commit({ digest: layer.digest, sizeBytes: layer.sizeBytes });
  return layer;
}

/** The key of a .deb's layer. */
export function debKey(one: DebSource, mergedUsr: boolean): LayerKey {
  return ['deb', one.sha256, mergedUsr ? 'merged' : 'split', `converter ${debConverterVersion}`];
}

function findOrConvert(
  workshop: Workshop,
  one: DebSource,
  mergedUsr: boolean,
  proxy: string | undefined,
  options: { readonly isShared: boolean },
): Promise<LayerRecord> {
  const convert = async () => {
    const conversion = { kind: 'deb', package: one, mergedUsr, ...(proxy !== undefined && { proxy }) } as const;
    const follow = (news: ConversionNews) => {
      if ('receivedBytes' in news) workshop.report({ type: 'received', bytes: news.receivedBytes, name: one.name });
    };
    return (await workshop.pool.run(conversion, one.sizeBytes, follow)).layer;
  };
  return workshop.layers.findOrMake(debKey(one, mergedUsr), convert, options);
}
