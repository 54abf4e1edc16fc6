import { bytecodeLayerVersion } from '../layers/bytecode-layer.ts';
import type { LayerRecord } from '../layers/layer-store.ts';
import type { Workshop } from '../workshop.ts';
import type { ArchiveCompiler } from './interpreter.ts';

/**
 * The bytecode of the modules in a base, which Debian's packages leave to their install scripts: without it every start of Python
 * compiles them anew (0.6 s instead of 0.15 s for an everyday program).
 */
export function standardLibraryBytecode(
  workshop: Workshop,
  content: LayerRecord,
  compiler: ArchiveCompiler,
): Promise<LayerRecord> {
  const key = ['bytecode', content.digest, compiler.digest, `converter ${bytecodeLayerVersion}`] as const;
  return workshop.layers.findOrMake(key, () =>
    workshop.stage('bytecode', async () => {
      const interpreter = await compiler.prepare();
      await workshop.contents.bring([content.digest]);
      const conversion = { kind: 'bytecode', layer: content.digest, interpreter } as const;
      return (await workshop.pool.run(conversion, content.uncompressedSizeBytes)).layer;
    }),
  );
}
