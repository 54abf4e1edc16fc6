/** The program of a conversion thread: takes conversions as messages, answers with records or faults. */
import { parentPort, workerData } from 'node:worker_threads';
import { Fault, type FaultData } from '@mir/core';
import { HttpClient } from '@mir/http';
import { BlobStore } from '@mir/oci';
import { BytecodePool, type Interpreter, remoteWheel, type WheelSource } from '@mir/python';
import { BytecodeLayer, writeBytecodeOfLayer } from './bytecode-layer.ts';
import type { Conversion, ConversionThreadOptions, Converted } from './conversion.ts';
import { writeDebLayer } from './deb-layer.ts';
import { type WheelInstallation, writeWheelLayer } from './wheel-layer.ts';

/** What a thread sends back. */
export type ThreadAnswer =
  | { readonly id: number; readonly converted: Converted }
  | { readonly id: number; readonly fault: FaultData }
  | { readonly id: number; readonly bug: { readonly message: string; readonly stack: string | undefined } }
  | { readonly id: number; readonly receivedBytes: number };

/** Progress crosses the thread in steps of this size. */
const reportedBytes = 512 << 10;

const options = workerData as ConversionThreadOptions;
const blobs = await BlobStore.open(options.registryDirectory);
const clients = new Map<string, HttpClient>();
const pools = new Map<string, BytecodePool>();

parentPort?.on('message', (message: { id: number; conversion: Conversion }) => {
  const { id, conversion } = message;
  const onBytes = (receivedBytes: number) => answer({ id, receivedBytes });
  convert(conversion, onBytes).then(
    (converted) => answer({ id, converted }),
    (thrown: unknown) => answer({ id, ...describe(thrown) }),
  );
});

function answer(said: ThreadAnswer): void {
  parentPort?.postMessage(said);
}

function describe(thrown: unknown): { fault: FaultData } | { bug: { message: string; stack: string | undefined } } {
  if (thrown instanceof Fault) return { fault: thrown.toJSON() };
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return { bug: { message: error.message, stack: error.stack } };
}

async function convert(conversion: Conversion, onBytes: (count: number) => void): Promise<Converted> {
  switch (conversion.kind) {
    case 'wheel':
      return convertWheel(conversion, onBytes);
    case 'bytecode': {
      const { interpreter, layer } = conversion;
      return { layer: await writeBytecodeOfLayer(blobs, layer, poolOf(interpreter), interpreter.pythonVersion) };
    }
    case 'deb': {
      const http = clientFor(conversion.proxy);
      return { layer: await writeDebLayer(blobs, http, conversion.package, conversion.mergedUsr, onBytes) };
    }
  }
}

async function convertWheel(
  conversion: Conversion & { kind: 'wheel' },
  onBytes: (count: number) => void,
): Promise<Converted> {
  const { installation, interpreter } = conversion;
  const remote = remoteWheel(clientFor(undefined), conversion.url, installation.sizeBytes, {
    headers: conversion.headers,
  });
  const source = counted(remote, onBytes);
  try {
    if (interpreter === undefined) return { layer: await writeWheelLayer(blobs, source, installation, undefined) };
    return await writeWithBytecode(source, installation, interpreter);
  } finally {
    await source.close();
  }
}

async function writeWithBytecode(
  source: WheelSource,
  installation: WheelInstallation,
  interpreter: Interpreter,
): Promise<Converted> {
  const bytecode = await BytecodeLayer.start(blobs, poolOf(interpreter), interpreter.pythonVersion);
  try {
    const layer = await writeWheelLayer(blobs, source, installation, bytecode);
    return { layer, bytecode: await bytecode.finish() };
  } catch (thrown) {
    await bytecode.abort();
    throw thrown;
  }
}

function counted(source: WheelSource, onBytes: (count: number) => void): WheelSource {
  return {
    sizeBytes: source.sizeBytes,
    readAt: (offset, length) => source.readAt(offset, length),
    close: () => source.close(),
    async *stream() {
      let unreported = 0;
      for await (const chunk of source.stream()) {
        unreported += chunk.length;
        if (unreported >= reportedBytes) {
          onBytes(unreported);
          unreported = 0;
        }
        yield chunk;
      }
      onBytes(unreported);
    },
  };
}

function clientFor(proxy: string | undefined): HttpClient {
  const known = clients.get(proxy ?? '');
  if (known !== undefined) return known;
  const client = new HttpClient(proxy === undefined ? {} : { proxy });
  clients.set(proxy ?? '', client);
  return client;
}

function poolOf(interpreter: Interpreter): BytecodePool {
  const known = pools.get(interpreter.digest);
  if (known !== undefined) return known;
  const pool = new BytecodePool(interpreter, { processes: options.compilerProcesses });
  pools.set(interpreter.digest, pool);
  return pool;
}
