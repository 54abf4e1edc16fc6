import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { TreeEntry } from '@mir/core';
import { type BlobStore, type BlobWriter, type ContentPlace, type Digest, type LayerSink, LayerWriter } from '@mir/oci';
import { type CoreMetadata, installWheel, type WheelSource } from '@mir/python';
import { ElfScanner, ElfScratch, type Missed, mayBeLibrary } from '../libraries/elf.ts';
import { LibraryCensus, type LibraryFacts, scanAgain } from '../libraries/library-facts.ts';
import type { BytecodeLayer } from './bytecode-layer.ts';
import { storeJson } from './facts-blob.ts';
import type { Growth } from './growing-layer.ts';
import type { LayerRecord } from './layer-store.ts';
import { Checksum, observed, sizeOf } from './observation.ts';

/** What is remembered of a wheel's layer besides the layer: what tells collisions and missing libraries. */
export type WheelFacts = {
  /** Every file with its size and CRC-32. */
  readonly files: readonly (readonly [path: string, sizeBytes: number, crc32: number])[];
  readonly libraries: LibraryFacts;
};

/** Which wheel, and for which Python and prefix it is laid out. */
export type WheelInstallation = {
  readonly filename: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** `3.11`. */
  readonly pythonVersion: string;
  readonly prefix: string;
};

type LargeLibrary = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly place: ContentPlace;
  readonly missed: Missed;
};

/** Who else looks at a wheel while it becomes a layer. */
export type WheelWitnesses = {
  /** Is shown each module. */
  readonly bytecode?: BytecodeLayer;
  /** Is told how much of the layer is written, in steps. */
  readonly onGrowth?: (growth: Growth) => void;
  /** Is told of what the wheel requires, before the rest is read. */
  readonly onMetadata?: (metadata: CoreMetadata) => void;
};

/** Growth is told in steps of this size. */
const toldBytes = 2 << 20;

/**
 * Turns a wheel into a layer in one pass over its bytes.
 *
 * @throws Fault of the wheel reader; nothing is kept then
 */
export async function writeWheelLayer(
  blobs: BlobStore,
  source: WheelSource,
  installation: WheelInstallation,
  { bytecode, onGrowth = () => undefined, onMetadata }: WheelWitnesses = {},
): Promise<LayerRecord> {
  await using blob = await blobs.write();
  const writer = new LayerWriter(watched(blob, onGrowth));
  const files: [string, number, number][] = [];
  const census = new LibraryCensus();
  const large: LargeLibrary[] = [];
  const scratch = new ElfScratch();
  for await (const entry of installWheel(source, { ...installation, ...(onMetadata && { onMetadata }) })) {
    await addEntry(writer, entry, files, census, large, scratch, bytecode);
  }
  const layer = await writer.finish();
  await blob.commit({ digest: layer.digest, sizeBytes: layer.sizeBytes });
  for (const library of large) await scanLarge(blobs, layer.digest, library, census);
  files.sort(([a], [b]) => (a < b ? -1 : 1));
  const facts = await storeJson(blobs, { files, libraries: census.facts() } satisfies WheelFacts);
  return { ...layer, sourceSizeBytes: installation.sizeBytes, facts };
}

function watched(blob: BlobWriter, onGrowth: (growth: Growth) => void): LayerSink {
  let sizeBytes = 0;
  let untoldBytes = 0;
  return {
    async write(chunk) {
      await blob.write(chunk);
      sizeBytes += chunk.length;
      untoldBytes += chunk.length;
      if (untoldBytes < toldBytes) return;
      untoldBytes = 0;
      onGrowth({ path: blob.unfinishedPath, sizeBytes });
    },
    digest: () => blob.digest(),
  };
}

async function addEntry(
  writer: LayerWriter,
  entry: TreeEntry,
  files: [string, number, number][],
  census: LibraryCensus,
  large: LargeLibrary[],
  scratch: ElfScratch,
  bytecode: BytecodeLayer | undefined,
): Promise<void> {
  if (entry.type !== 'file') {
    await writer.add(entry);
    return;
  }
  const sizeBytes = sizeOf(entry.content);
  const checksum = new Checksum(entry.content);
  const scanner = mayBeLibrary(entry.path) ? new ElfScanner(sizeBytes, { scratch }) : undefined;
  const module = bytecode?.moduleFor(entry.path, sizeBytes);
  const place = await writer.add(
    observed(entry, (chunk) => {
      checksum.push(chunk);
      scanner?.push(chunk);
      module?.push(chunk);
    }),
  );
  files.push([entry.path, sizeBytes, checksum.value]);
  await module?.finish();
  const found = scanner?.finish();
  if (found === undefined || found === 'not-elf') return;
  if ('missed' in found) large.push({ path: entry.path, sizeBytes, place, missed: found });
  else census.add(entry.path, found);
}

/** The tables of a large library lie where they were not expected: read just this file back from the layer. */
async function scanLarge(blobs: BlobStore, layer: Digest, library: LargeLibrary, census: LibraryCensus): Promise<void> {
  const { offsetBytes, compressedSizeBytes } = library.place;
  const facts = await scanAgain(library.sizeBytes, library.missed, () =>
    // Ends the file too when nobody reads on; the reader is told of what goes wrong.
    pipeline(
      Readable.from(blobs.read(layer, { start: offsetBytes, length: compressedSizeBytes })),
      createGunzip({ chunkSize: 64 * 1024 }),
      () => undefined,
    ),
  );
  if (facts !== undefined) census.add(library.path, facts);
}
