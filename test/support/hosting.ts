import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';
import { type Identity, npubOf } from '../../src/nostr/keys.js';
import { counterFrom } from './counters/counter.js';
import { signedEvent } from './events.js';
import { type Service, type ServiceOptions, startService } from './service/service.js';
import { TestClient } from './test-client.js';

const nextSecond = counterFrom(Math.floor(Date.now() / 1_000) - 10_000);

/** A service that hosts repositories, and a client that publishes to it. */
export class Hosting<Served extends Service = Service> implements AsyncDisposable {
  readonly service: Served;
  #client: TestClient;

  protected constructor(service: Served, client: TestClient) {
    this.service = service;
    this.#client = client;
  }

  static async start(options: ServiceOptions = {}): Promise<Hosting> {
    const service = await startService(options);
    return new Hosting(service, await TestClient.connect(service.url));
  }

  get client(): TestClient {
    return this.#client;
  }

  /** The URL of a repository for git. */
  urlOf(owner: Identity, identifier: string): string {
    return `http://127.0.0.1:${this.service.port}/${npubOf(owner.pubkey)}/${encodeURIComponent(identifier)}.git`;
  }

  /** An announcement (kind 30617) that lists this service; each event is a second younger than the one before. */
  announcement(owner: Identity, identifier: string, maintainers: readonly string[] = []): NostrEvent {
    return signedEvent(owner, {
      kind: 30617,
      created_at: nextSecond(),
      tags: [
        ['d', identifier],
        ['clone', this.urlOf(owner, identifier)],
        ['relays', this.service.url],
        ['maintainers', ...maintainers],
      ],
    });
  }

  /** A state (kind 30618). */
  state(
    author: Identity,
    identifier: string,
    refs: Readonly<Record<string, string>>,
    head = 'ref: refs/heads/main',
  ): NostrEvent {
    return signedEvent(author, {
      kind: 30618,
      created_at: nextSecond(),
      tags: [['d', identifier], ...Object.entries(refs), ['HEAD', head]],
    });
  }

  /** A pull request (kind 1618) for a repository. */
  pullRequest(author: Identity, owner: Identity, identifier: string, commit: string): NostrEvent {
    return signedEvent(author, {
      kind: 1618,
      created_at: nextSecond(),
      tags: [
        ['a', `30617:${owner.pubkey}:${identifier}`],
        ['c', commit],
        ['clone', this.urlOf(owner, identifier)],
      ],
    });
  }

  /** Publishes an event, which has to be acknowledged; gives what is said of it. */
  async publish(event: NostrEvent): Promise<string> {
    const { accepted, reason } = await this.#client.publish(event);
    if (!accepted) throw new Error(`refused: ${reason}`);
    return reason;
  }

  /** The ids of the events that the relay serves for a filter. */
  async served(filter: Filter): Promise<string[]> {
    const events = await this.#client.query(filter);
    return events.map(({ id }) => id);
  }

  async reconnect(): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    this.#client = await TestClient.connect(this.service.url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    await this.service[Symbol.asyncDispose]();
  }
}
