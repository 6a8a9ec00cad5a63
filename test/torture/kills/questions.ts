import type { Filter } from '../../../src/nostr/filter.js';
import { TestClient } from '../../support/test-client.js';

const idsPerQuestion = 500;

/** Which of the events are served. */
export async function served(url: string, ids: readonly string[]): Promise<Set<string>> {
  const there = new Set<string>();
  await using client = await TestClient.connect(url);
  for (let from = 0; from < ids.length; from += idsPerQuestion) {
    const some = ids.slice(from, from + idsPerQuestion);
    for (const { id } of await client.query({ ids: some, limit: idsPerQuestion })) there.add(id);
  }
  return there;
}

/** A subscription that goes on, and all that it was sent. */
export class LiveSet implements AsyncDisposable {
  readonly #client: TestClient;
  readonly #filter: Filter;

  private constructor(client: TestClient, filter: Filter) {
    this.#client = client;
    this.#filter = filter;
  }

  static async open(url: string, filter: Filter): Promise<LiveSet> {
    const client = await TestClient.connect(url);
    client.send('REQ', 'live', filter);
    await client.message(([type, id]) => type === 'EOSE' && id === 'live');
    return new LiveSet(client, filter);
  }

  /** What a fresh query has and this was not sent, and what this was sent, more than once or in vain. */
  async differences(isGone: (id: string) => boolean): Promise<string[]> {
    const fresh = await this.#fresh();
    const sent = this.#client.received.flatMap(([type, of, event]) =>
      type === 'EVENT' && of === 'live' ? [(event as { readonly id: string }).id] : [],
    );
    const live = new Set(sent);
    return [
      ...[...fresh].filter((id) => !live.has(id)).map((id) => `${id} was never sent`),
      ...[...live].filter((id) => !fresh.has(id) && !isGone(id)).map((id) => `${id} is not found`),
      ...(sent.length === live.size ? [] : [`${sent.length - live.size} were sent twice`]),
    ];
  }

  /** All that is stored for the filter, page by page: one answer has no more events than that. */
  async #fresh(): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (let until = Number.MAX_SAFE_INTEGER; ; ) {
      const page = await this.#client.query({ ...this.#filter, until, limit: idsPerQuestion });
      const before = found.size;
      for (const { id, created_at } of page) {
        found.add(id);
        until = Math.min(until, created_at);
      }
      if (found.size === before) return found;
    }
  }

  /** Whether its connection has ended, so that it was told no more. */
  get isOver(): boolean {
    return this.#client.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }
}
