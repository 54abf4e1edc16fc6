import type { Digest } from '@mir/oci';
import type { CoreMetadata, Interpreter } from '@mir/python';
import type { DebSource } from '../base/base.ts';
import type { Growth } from './growing-layer.ts';
import type { LayerRecord } from './layer-store.ts';
import type { WheelInstallation } from './wheel-layer.ts';

/** A piece of work for a conversion thread: plain data. */
export type Conversion =
  | {
      readonly kind: 'wheel';
      readonly from: WheelPlace;
      readonly installation: WheelInstallation;
      /** Compile its modules in the same pass. */
      readonly interpreter?: Interpreter;
    }
  | {
      readonly kind: 'bytecode';
      readonly layer: Digest;
      readonly interpreter: Interpreter;
    }
  | {
      readonly kind: 'deb';
      readonly package: DebSource;
      readonly mergedUsr: boolean;
      readonly proxy?: string;
    }
  | {
      /** Layers that are here, into one: of two that have a path the first one's counts. */
      readonly kind: 'join';
      readonly layers: readonly Digest[];
    };

/** Where a wheel is: at an address, or, for one that was built here, in a file. */
export type WheelPlace =
  | { readonly url: string; readonly headers: Readonly<Record<string, string>> }
  | { readonly path: string };

/** What came out of a conversion. */
export type Converted = { readonly layer: LayerRecord; readonly bytecode?: LayerRecord };

/** What is told of a conversion while it runs: bytes that have arrived, the layer as it is written, what the wheel requires. */
export type ConversionNews =
  | { readonly receivedBytes: number }
  | { readonly growth: Growth }
  | { readonly metadata: CoreMetadata };

export type ConversionListener = (news: ConversionNews) => void;

/** What a thread is told when it starts. */
export type ConversionThreadOptions = {
  readonly registryDirectory: string;
  readonly compilerProcesses: number;
};
