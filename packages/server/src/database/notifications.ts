import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { addressOf, type DatabaseAddress } from './connection.ts';

/** Told of a notification, or, with no channel, that some may have been missed while the connection was lost. */
export type NotificationListener = (channel: string | undefined, payload: string) => void;

/**
 * Listens to notifications of the database (LISTEN/NOTIFY) on a connection of its own, which is made again when it is lost.
 * Notifications wake; what is true is read from the tables.
 */
export class Notifications implements AsyncDisposable {
  readonly #address: DatabaseAddress;
  readonly #channels: readonly string[];
  readonly #listeners = new Set<NotificationListener>();
  readonly #closing = new AbortController();
  #client: pg.Client | undefined;
  #connecting: Promise<void> = Promise.resolve();

  private constructor(address: DatabaseAddress, channels: readonly string[]) {
    this.#address = address;
    this.#channels = channels;
  }

  /** Connects and listens. @throws whatever keeps the first connection from being made */
  static async open(address: DatabaseAddress, channels: readonly string[]): Promise<Notifications> {
    const notifications = new Notifications(address, channels);
    await notifications.#connect();
    return notifications;
  }

  /** Has a listener told; gives the function that ends it. */
  subscribe(listener: NotificationListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#connecting.catch(() => undefined);
    await this.#client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      ...addressOf(this.#address).config,
      keepAlive: true,
      application_name: 'mir notifications',
    });
    client.on('error', () => this.#reconnect(client));
    client.on('end', () => this.#reconnect(client));
    client.on('notification', ({ channel, payload }) => this.#tell(channel, payload ?? ''));
    await client.connect();
    for (const channel of this.#channels) await client.query(`listen ${client.escapeIdentifier(channel)}`);
    this.#client = client;
  }

  #reconnect(lost: pg.Client): void {
    if (this.#client !== lost || this.#closing.signal.aborted) return;
    this.#client = undefined;
    this.#connecting = this.#connectAgain();
  }

  async #connectAgain(): Promise<void> {
    for (let attempt = 0; !this.#closing.signal.aborted; attempt += 1) {
      try {
        await this.#connect();
        return this.#tell(undefined, '');
      } catch {
        // The database is away; requests say so to their users, and here it is waited for.
        await delay(Math.min(100 * 2 ** attempt, 5_000), undefined, { signal: this.#closing.signal }).catch(
          () => undefined,
        );
      }
    }
  }

  #tell(channel: string | undefined, payload: string): void {
    for (const listener of this.#listeners) listener(channel, payload);
  }
}
