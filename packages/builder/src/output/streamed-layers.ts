import { isFault } from '@mir/core';
import type { Descriptor, Digest, RepositoryClient, StreamedUpload } from '@mir/oci';
import type { GrowingLayer } from '../layers/growing-layer.ts';

/**
 * Layers that leave for a repository while they are still being written. What goes wrong here is no fault: such a layer is uploaded
 * the usual way when it is whole, and that tells.
 */
export class StreamedLayers {
  readonly #sent = new Map<Digest, Promise<StreamedUpload | undefined>>();
  readonly #sending = new Set<Promise<unknown>>();
  readonly #abort = new AbortController();
  readonly #onLost: () => void;

  /** `onLost` is told when the registry did not take what was sent. */
  constructor(onLost: () => void) {
    this.#onLost = onLost;
  }

  /** Starts to send a layer. */
  follow(repository: RepositoryClient, growing: GrowingLayer): void {
    const upload = repository.streamBlob();
    const sending = upload.send(growing.read(this.#abort.signal), this.#abort.signal).then(
      () => upload,
      (thrown: unknown) => {
        if (isFault(thrown, 'registry/refused', 'registry/unexpected-answer')) this.#onLost();
        return undefined;
      },
    );
    this.#sending.add(sending);
    growing.layer.then(
      ({ digest }) => this.#sent.set(digest, sending),
      () => undefined,
    );
  }

  /** Makes a layer that was sent a blob of the repository; false when it was not sent, or did not arrive. */
  async complete(layer: Descriptor): Promise<boolean> {
    const sending = this.#sent.get(layer.digest);
    if (sending === undefined) return false;
    this.#sent.delete(layer.digest);
    const upload = await sending;
    if (upload === undefined) return false;
    const isTaken = await upload.complete(layer);
    if (!isTaken) this.#onLost();
    return isTaken;
  }

  /** Ends what is under way, and takes back what nobody wanted in the end. */
  async close(): Promise<void> {
    this.#abort.abort();
    const unwanted = await Promise.all(this.#sent.values());
    await Promise.allSettled([...this.#sending, ...unwanted.map((upload) => upload?.giveUp())]);
  }
}
