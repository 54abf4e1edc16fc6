import type { LayerKey, LayerRecord, RecordStore } from '@mir/builder';
import type { ProcessMessage } from './build-message.ts';

/** The instance's layer records, asked for by messages: a build process has no way to the database. */
export class MessageRecords implements RecordStore {
  readonly #say: (message: ProcessMessage) => void;
  readonly #open = new Map<number, (record: unknown) => void>();
  #nextId = 1;

  constructor(say: (message: ProcessMessage) => void) {
    this.#say = say;
  }

  async read(key: LayerKey): Promise<LayerRecord | undefined> {
    // What the worker gives was read from records that a build wrote.
    return (await this.#ask((id) => ({ type: 'read-record', id, key }))) as LayerRecord | undefined;
  }

  async write(key: LayerKey, record: LayerRecord): Promise<void> {
    await this.#ask((id) => ({ type: 'write-record', id, key, record }));
  }

  /** Takes the worker's answer. */
  answer(id: number, record: unknown): void {
    this.#open.get(id)?.(record ?? undefined);
    this.#open.delete(id);
  }

  // Collecting and forgetting are the server's affair, never a build's.
  async *all(): AsyncGenerator<LayerRecord> {}

  async forgetAll(): Promise<number> {
    return 0;
  }

  #ask(message: (id: number) => ProcessMessage): Promise<unknown> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve) => {
      this.#open.set(id, resolve);
      this.#say(message(id));
    });
  }
}
