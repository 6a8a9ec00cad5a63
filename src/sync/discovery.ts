import type { OwnService } from '../nostr/relay-url.js';

/**
 * Which relays there are (docs/sync.md §1): those of the operator, always, and those that stored announcements name,
 * for as long as one does. Kept by counting, so that an announcement that comes or goes costs only what it names.
 */
export class Discovery {
  readonly #ownService: Pick<OwnService, 'isNamedBy'>;
  readonly #bootstrap: ReadonlySet<string>;
  readonly #relaysMax: number;
  readonly #relaysPerAnnouncementMax: number;
  /** By normalised URL, how many stored announcements name the relay. */
  readonly #announcements = new Map<string, number>();

  constructor(options: {
    readonly ownService: Pick<OwnService, 'isNamedBy'>;
    readonly bootstrapRelays: readonly string[];
    readonly relaysMax: number;
    readonly relaysPerAnnouncementMax: number;
  }) {
    this.#ownService = options.ownService;
    this.#bootstrap = new Set(options.bootstrapRelays.filter((url) => !options.ownService.isNamedBy(url)));
    this.#relaysMax = options.relaysMax;
    this.#relaysPerAnnouncementMax = options.relaysPerAnnouncementMax;
  }

  /** The relays of the operator. */
  get bootstrap(): ReadonlySet<string> {
    return this.#bootstrap;
  }

  /** The relays of an announcement that can be tracked: without our own service, and not without end. */
  relaysOf(announcement: { readonly relays: readonly string[] }): string[] {
    const others = announcement.relays.filter((url) => !this.#ownService.isNamedBy(url));
    return others.slice(0, this.#relaysPerAnnouncementMax);
  }

  /** Counts an announcement's relays in. */
  add(relays: readonly string[]): void {
    for (const url of relays) this.#announcements.set(url, (this.#announcements.get(url) ?? 0) + 1);
  }

  /** Counts them out again, when the announcement was replaced or deleted. */
  remove(relays: readonly string[]): void {
    for (const url of relays) {
      const left = (this.#announcements.get(url) ?? 0) - 1;
      if (left > 0) this.#announcements.set(url, left);
      else this.#announcements.delete(url);
    }
  }

  /** The relays to be connected to; above the limit, those that most announcements name. */
  tracked(): Set<string> {
    const tracked = new Set(this.#bootstrap);
    let named = [...this.#announcements];
    if (named.length > this.#relaysMax) named = named.sort((a, b) => b[1] - a[1]).slice(0, this.#relaysMax);
    for (const [url] of named) tracked.add(url);
    return tracked;
  }
}
