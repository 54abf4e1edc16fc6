import { join } from 'node:path';
import type { Cleanup } from '../support/cleanup.ts';
import { startService } from '../support/program.ts';
import { unpackedPython } from '../support/unpacked-python.ts';

/** The state behind the fake AWS: moto, which everybody may do everything in. */
export type Moto = {
  readonly endpoint: string;
  /** Sends what a client of ECR sends; gives its answer. */
  ecr(operation: string, region: string, body: string): Promise<MotoAnswer>;
};

/** An answer of moto. */
export type MotoAnswer = { readonly status: number; readonly text: string };

/** Starts moto on a free port; it ends with the test. */
export async function startMoto(cleanup: Cleanup): Promise<Moto> {
  const requirements = join(import.meta.dirname, 'moto.txt');
  const { program, words, environment } = await unpackedPython({ pythonVersion: '3.11', requirements }, cleanup);
  const command = [...words, '-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'];
  const ready = await startService(program, command, /Running on (http:\/\/127\.0\.0\.1:\d+)/, cleanup, {
    environment,
  });
  const endpoint = ready[1] ?? '';
  return {
    endpoint,
    ecr: async (operation, region, body) => {
      const answer = await fetch(endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': `AmazonEC2ContainerRegistry_V20150921.${operation}`,
          // Only service and region are read of it.
          authorization: `AWS4-HMAC-SHA256 Credential=moto/20260101/${region}/ecr/aws4_request, SignedHeaders=host, Signature=none`,
        },
        body,
      });
      return { status: answer.status, text: await answer.text() };
    },
  };
}
