/** The program of a conversion thread: takes conversions as messages, answers with records or faults. */
import { parentPort, workerData } from 'node:worker_threads';
import { Fault, type FaultData } from '@mir/core';
import { type KnownAddresses, learnAddresses } from '@mir/http';
import type { Conversion, ConversionNews, ConversionThreadOptions, Converted } from './conversion.ts';
import { Converter } from './converter.ts';

/** What a thread is sent. */
export type ThreadTask = {
  readonly id: number;
  readonly conversion: Conversion;
  /** Name servers lose questions: those that were answered already are not asked by every thread again. */
  readonly addresses: KnownAddresses;
};

/** What a thread sends back. */
export type ThreadAnswer =
  | { readonly isReady: true }
  | { readonly id: number; readonly converted: Converted }
  | { readonly id: number; readonly fault: FaultData }
  | { readonly id: number; readonly error: ThrownError }
  | { readonly id: number; readonly news: ConversionNews };

/** An error that is no fault: of the system, whose code tells (a full disk), or a bug of ours. */
export type ThrownError = {
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | undefined;
};

void serve(workerData as ConversionThreadOptions);

async function serve(options: ConversionThreadOptions): Promise<void> {
  const converter = await Converter.open(options);
  try {
    converter.prepare();
  } catch {
    // A setting that is wrong is told to whoever sends a request.
  }
  parentPort?.on('message', ({ id, conversion, addresses }: ThreadTask) => {
    learnAddresses(addresses);
    const tell = (news: ConversionNews) => answer({ id, news });
    converter.convert(conversion, tell).then(
      (converted) => answer({ id, converted }),
      (thrown: unknown) => answer({ id, ...describe(thrown) }),
    );
  });
  answer({ isReady: true });
}

function answer(said: ThreadAnswer): void {
  parentPort?.postMessage(said);
}

function describe(thrown: unknown): { fault: FaultData } | { error: ThrownError } {
  if (thrown instanceof Fault) return { fault: thrown.toJSON() };
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { error: { message: error.message, stack: error.stack, code } };
}
