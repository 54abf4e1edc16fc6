import { ElfScanner } from '../../packages/builder/src/libraries/elf.ts';
import { scanAgain } from '../../packages/builder/src/libraries/library-facts.ts';
import { parseChallenges } from '../../packages/oci/src/client/challenge.ts';
import { parseImageConfig } from '../../packages/oci/src/image/image-config.ts';
import { parseManifest, requiredContent, subjectOf } from '../../packages/oci/src/image/manifest.ts';
import { concatenateLayers } from '../../packages/oci/src/layer/concatenation.ts';
import { readLayer } from '../../packages/oci/src/layer/layer-reader.ts';
import { LayeredTree } from '../../packages/oci/src/layer/layered-tree.ts';
import { formatReference, parseReference } from '../../packages/oci/src/reference.ts';
import { exhaust, type FuzzTarget, inPieces, withTarSums } from './target.ts';

const limits = { uncompressedBytes: 64 * 1024 * 1024 };
const tarWords = [
  'ustar\u000000',
  './',
  '../',
  '.wh.',
  '.wh..wh..opq',
  '11 path=a/b\n',
  '18 size=-1\n',
  '././@LongLink',
];

export const imageTargets: readonly FuzzTarget[] = [
  {
    name: 'layer',
    parse: async (input) => {
      for await (const entry of readLayer(inPieces(input), limits)) {
        if (entry.path.split('/').includes('..') || entry.path.startsWith('/'))
          throw new Error(`"${entry.path}" leads out`);
        if (entry.type === 'file' && entry.sizeBytes % 2 === 0) await exhaust(entry.content);
      }
    },
    repaired: withTarSums,
    words: tarWords,
  },
  {
    name: 'layered-tree',
    parse: async (input) => {
      const half = Math.ceil(input.length / 1024) * 512;
      const layers = [input.subarray(0, half), input.subarray(half), input].map((part) => () => inPieces(part));
      const tree = await LayeredTree.read(layers, {
        wanted: (path) => path.length % 2 === 0,
        limits,
        limitBytes: 65_536,
      });
      for (const node of tree.entries()) tree.get(node.path);
      tree.list('a/b');
    },
    repaired: (input) => withTarSums(Buffer.concat([input, Buffer.alloc((512 - (input.length % 512)) % 512)])),
    words: tarWords,
  },
  {
    name: 'joined-layers',
    parse: (input) => concatenateLayers([inPieces(input), inPieces(input)], { write: async () => undefined }),
  },
  {
    name: 'manifest',
    parse: (input) => {
      const manifest = parseManifest(input);
      return [requiredContent(manifest), subjectOf(manifest)];
    },
    words: [
      '"layers":',
      '"manifests":',
      '"config":',
      '"size":',
      '{',
      '}',
      '[',
      ']',
      'null',
      '"sha256:',
      '"schemaVersion":2',
    ],
  },
  {
    name: 'image-config',
    parse: parseImageConfig,
    words: ['"rootfs":', '"diff_ids":', '"history":', '"config":', 'null', '{}', '[]', '"Env":', '"Labels":'],
  },
  {
    name: 'reference',
    parse: (input) => parseReference(formatReference(parseReference(input.toString('utf8')))),
    words: ['/', ':', '@', 'sha256:', 'localhost', '[::1]', '.', '..', '__'],
  },
  {
    name: 'challenge',
    parse: (input) => parseChallenges(input.toString('latin1')),
    words: ['Bearer ', 'Basic ', 'realm="', '"', ',', '=', '\\"', '   '],
  },
  {
    name: 'elf',
    parse: async (input) => {
      const scanner = new ElfScanner(input.length);
      for await (const piece of inPieces(input)) scanner.push(piece);
      const found = scanner.finish();
      if (found !== 'not-elf' && 'missed' in found) await scanAgain(input.length, found, () => inPieces(input));
    },
  },
];
