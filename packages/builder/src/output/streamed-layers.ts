import { setTimeout as delay } from 'node:timers/promises';
import { isFault } from '@mir/core';
import type { Descriptor, Digest, RepositoryClient, StreamedUpload } from '@mir/oci';
import type { GrowingLayer } from '../layers/growing-layer.ts';

/** A registry that is silent is not waited for in the end: it forgets open uploads by itself. */
const longestFarewellMilliseconds = 5000;

/**
 * Layers that leave for a repository while they are still being written. What goes wrong here is no fault: such a layer is uploaded
 * the usual way when it is whole, and that tells.
 */
export class StreamedLayers {
  readonly #sent = new Map<Digest, Promise<StreamedUpload | undefined>>();
  /** What has to end before the connections may. */
  readonly #running = new Set<Promise<unknown>>();
  readonly #abort = new AbortController();
  readonly #onLost: () => void;

  /** `onLost` is told when the registry did not take what was sent. */
  constructor(onLost: () => void) {
    this.#onLost = onLost;
  }

  /** Starts to send a layer, unless it is whole already. */
  follow(repository: RepositoryClient, growing: GrowingLayer): void {
    const { signal } = this.#abort;
    if (signal.aborted || growing.hasEnded) return;
    const upload = repository.streamBlob();
    const sending = upload
      .send(() => growing.read(signal), signal)
      .then(
        () => upload,
        (thrown: unknown) => this.#fail(upload, thrown),
      );
    this.#run(sending);
    growing.layer.then(
      ({ digest }) => this.#sent.set(digest, sending),
      // It may fail after its last byte was sent.
      () => this.#run(sending.then((sent) => sent?.giveUp())),
    );
  }

  /** Makes a layer that was sent a blob of the repository; false when it was not sent, or did not arrive. */
  async complete(layer: Descriptor): Promise<boolean> {
    const sending = this.#sent.get(layer.digest);
    if (sending === undefined) return false;
    this.#sent.delete(layer.digest);
    const upload = await sending;
    if (upload === undefined) return false;
    const completing = upload.complete(layer).then(
      () => true,
      (thrown: unknown) => this.#fail(upload, thrown) !== undefined,
    );
    this.#run(completing);
    return await completing;
  }

  /** Ends what is under way, and takes back what nobody wanted in the end. */
  async close(): Promise<void> {
    this.#abort.abort();
    for (const sending of this.#sent.values()) this.#run(sending.then((upload) => upload?.giveUp()));
    this.#sent.clear();
    await Promise.race([this.#ended(), delay(longestFarewellMilliseconds, undefined, { ref: false })]);
  }

  #fail(upload: StreamedUpload, thrown: unknown): undefined {
    if (isFault(thrown, 'registry/unexpected-answer')) this.#onLost();
    this.#run(upload.giveUp());
  }

  #run(work: Promise<unknown>): void {
    const ended = work.catch(() => undefined).finally(() => this.#running.delete(ended));
    this.#running.add(ended);
  }

  /** Work may end in more work: in telling that nothing comes of it. */
  async #ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
