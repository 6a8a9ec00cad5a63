import { reaches } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { type OwnService, relayDomain, relayHost } from '../../nostr/relay-url.js';
import type { Standing } from '../../repositories/announced-repository.js';

/** Who names a relay, and in an announcement of what. */
export type Naming = { readonly author: string; readonly standing: Standing };

/** A relay that stored announcements name. */
type Named = {
  readonly url: string;
  /** Announcements by author. Keys are free and announcements more so, but the first cost at least a name each. */
  readonly authors: Map<string, number>;
  readonly standings: Record<Standing, number>;
};

/**
 * Which relays there are (docs/sync.md §1): those of the operator, always, and those that stored announcements name,
 * for as long as one does. Kept by counting, so that an announcement that comes or goes costs only what it names.
 */
export class Discovery {
  #bootstrap: ReadonlySet<string>;
  readonly #ownService: Pick<OwnService, 'isNamedBy'>;
  readonly #relaysMax: number;
  /** By normalised URL. */
  readonly #named = new Map<string, Named>();
  /** The same by domain and host: whoever has these is one party, however many names and URLs lead there. */
  readonly #byDomain = new Map<string, Map<string, Set<Named>>>();
  /** How many relays each author names. */
  readonly #countOfAuthor = new Map<string, number>();

  constructor(options: {
    readonly ownService: Pick<OwnService, 'isNamedBy'>;
    readonly bootstrapRelays: readonly string[];
    readonly relaysMax: number;
  }) {
    this.#ownService = options.ownService;
    this.#bootstrap = this.#withoutOwn(options.bootstrapRelays);
    this.#relaysMax = options.relaysMax;
  }

  /** The operator names other relays. */
  beginWith(relays: readonly string[]): void {
    this.#bootstrap = this.#withoutOwn(relays);
  }

  /** The relays of the operator. */
  get bootstrap(): ReadonlySet<string> {
    return this.#bootstrap;
  }

  /** Whether a relay is remembered as named by an announcement. */
  isNamed(relay: string): boolean {
    return this.#named.has(relay);
  }

  /** Counts an announcement's relays in, as far as there is room for them. */
  add(relays: readonly string[], { author, standing }: Naming): void {
    for (const url of relays) {
      const named = this.#named.get(url) ?? (this.#hasRoom(author) ? this.#begin(url) : undefined);
      if (named === undefined) continue;
      const before = named.authors.get(author) ?? 0;
      named.authors.set(author, before + 1);
      if (before === 0) this.#countOfAuthor.set(author, (this.#countOfAuthor.get(author) ?? 0) + 1);
      named.standings[standing] += 1;
    }
  }

  /** Counts them out again, when the announcement was replaced or deleted. */
  remove(relays: readonly string[], { author, standing }: Naming): void {
    for (const url of relays) {
      const named = this.#named.get(url);
      const before = named?.authors.get(author);
      // There was no room for it.
      if (named === undefined || before === undefined) continue;
      const left = before - 1;
      if (left > 0) named.authors.set(author, left);
      else if (named.authors.delete(author)) this.#uncount(author);
      named.standings[standing] -= 1;
      if (named.authors.size === 0) this.#end(named);
    }
  }

  /**
   * The relays to be connected to. Above the limits, of one host, one domain and of all, half of the places go to those that rank
   * first: by how we stand to what names them, then by how many authors do; the others by authors alone. One that
   * `isEstablished`, that is, was connected to and is not dead, gives way only to one that very many more name, or, in the
   * first half, that outranks it.
   */
  tracked(isEstablished: (url: string) => boolean = () => false): Set<string> {
    const named: Named[] = [];
    for (const hosts of this.#byDomain.values()) {
      const ofDomain: Named[] = [];
      for (const ofHost of hosts.values()) {
        const first =
          ofHost.size <= limits.syncRelaysPerHostMax
            ? ofHost
            : this.#first([...ofHost], limits.syncRelaysPerHostMax, isEstablished);
        for (const each of first) if (!this.#bootstrap.has(each.url)) ofDomain.push(each);
      }
      for (const each of this.#first(ofDomain, limits.syncRelaysPerDomainMax, isEstablished))
        named.push(each);
    }
    const first = this.#first(named, this.#relaysMax, isEstablished);
    return new Set([...this.#bootstrap, ...first.map(({ url }) => url)]);
  }

  /** Those that come first, if they are more than `count`; there may be very many of them, which are not all sorted. */
  #first(named: readonly Named[], count: number, isEstablished: (url: string) => boolean): readonly Named[] {
    if (named.length <= count) return named;
    const weighed = named.map((each) => this.#weighed(each, isEstablished));
    const ranked = firstOf(weighed, Math.ceil(count / 2), byRank);
    // Of those that come first by weight so many are sure to be others.
    const all = new Set([...ranked, ...firstOf(weighed, count, byWeight)]);
    return [...all].slice(0, count).map(({ each }) => each);
  }

  #weighed(each: Named, isEstablished: (url: string) => boolean): Weighed {
    const authors = this.#authorsOf(each);
    // Of those that only flooders name, nobody can say that they are what we serve.
    const rank = authors < 1 ? 0 : rankOf(each);
    return { each, rank, weight: authors * (isEstablished(each.url) ? limits.syncDisplacementFactor : 1) };
  }

  /** How many authors name a relay. One who names very many has one voice for so many of them, shared by all. */
  #authorsOf({ authors }: Named): number {
    let voices = 0;
    for (const author of authors.keys()) {
      voices += Math.min(1, limits.syncRelaysPerAuthorMax / (this.#countOfAuthor.get(author) ?? 1));
    }
    return voices;
  }

  /** Whether one more may be remembered; half of the room is for those who name few. */
  #hasRoom(author: string): boolean {
    const count = this.#named.size;
    if (reaches('syncNamedRelaysMax', count)) return false;
    const isFlooder = (this.#countOfAuthor.get(author) ?? 0) >= limits.syncRelaysPerAuthorMax;
    return !isFlooder || count < limits.syncNamedRelaysMax / 2;
  }

  #withoutOwn(relays: readonly string[]): ReadonlySet<string> {
    return new Set(relays.filter((url) => !this.#ownService.isNamedBy(url)));
  }

  #uncount(author: string): void {
    const left = (this.#countOfAuthor.get(author) ?? 0) - 1;
    if (left > 0) this.#countOfAuthor.set(author, left);
    else this.#countOfAuthor.delete(author);
  }

  #begin(url: string): Named {
    const named: Named = { url, authors: new Map(), standings: { hosted: 0, archived: 0, stranger: 0 } };
    this.#named.set(url, named);
    const [domain, host] = [relayDomain(url), relayHost(url)];
    const hosts = this.#byDomain.get(domain) ?? new Map<string, Set<Named>>();
    const ofHost = hosts.get(host) ?? new Set();
    this.#byDomain.set(domain, hosts.set(host, ofHost.add(named)));
    return named;
  }

  #end(named: Named): void {
    this.#named.delete(named.url);
    const [domain, host] = [relayDomain(named.url), relayHost(named.url)];
    const hosts = this.#byDomain.get(domain);
    const ofHost = hosts?.get(host);
    ofHost?.delete(named);
    if (ofHost?.size === 0) hosts?.delete(host);
    if (hosts?.size === 0) this.#byDomain.delete(domain);
  }
}

/** What a relay counts for, whichever way it is looked at; more is better. */
type Weighed = { readonly each: Named; readonly rank: number; readonly weight: number };

/** The first `count` of items, in order. What comes behind so many others is passed over. */
function firstOf(
  items: readonly Weighed[],
  count: number,
  compare: (a: Weighed, b: Weighed) => number,
): readonly Weighed[] {
  let first: Weighed[] = [];
  let last: Weighed | undefined;
  for (const item of items) {
    if (last !== undefined && compare(item, last) >= 0) continue;
    first.push(item);
    if (first.length < 2 * count) continue;
    first = first.sort(compare).slice(0, count);
    last = first.at(-1);
  }
  return first.sort(compare).slice(0, count);
}

function byWeight(a: Weighed, b: Weighed): number {
  return b.weight - a.weight || b.rank - a.rank || a.each.url.length - b.each.url.length;
}

function byRank(a: Weighed, b: Weighed): number {
  return b.rank - a.rank || byWeight(a, b);
}

function rankOf({ standings }: Named): number {
  if (standings.hosted > 0) return 2;
  return standings.archived > 0 ? 1 : 0;
}
