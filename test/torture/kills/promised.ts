import { addressTextOf, formatAddress, supersedes } from '../../../src/nostr/address.js';
import { deletionTargets, isDeletion } from '../../../src/nostr/deletion.js';
import { expirationOf, type NostrEvent } from '../../../src/nostr/event.js';

/** `asked`: the daemon was sent it and said nothing yet. `sure`: it was acknowledged, or seen after a start. */
type Certainty = 'asked' | 'sure';

/** What has to be there and what must not be, by the rules of NIP-01, 09 and 40 and what the operator did. */
export type Expectations = { readonly present: readonly string[]; readonly absent: readonly string[] };

/** Seconds around an expiration in which an event may be there or not. */
const expirySlack = 2;

/** All that a daemon was told to store and to let go of, and what it said to that. */
export class Promised {
  readonly #events = new Map<string, { readonly event: NostrEvent; certainty: Certainty }>();
  /** What the operator had taken away, by id. */
  readonly #taken = new Map<string, Certainty>();
  /** By author and id, and by address: the requests that delete it. */
  readonly #deletions = new Map<string, Set<string>>();
  readonly #versions = new Map<string, Set<string>>();

  /** How many events were acknowledged, or seen after a start. */
  get sureCount(): number {
    return [...this.#events.values()].filter(({ certainty }) => certainty === 'sure').length;
  }

  eventOf(id: string): NostrEvent | undefined {
    return this.#events.get(id)?.event;
  }

  asked(event: NostrEvent): void {
    if (this.#events.has(event.id)) return;
    this.#events.set(event.id, { event, certainty: 'asked' });
    for (const [of, key] of keysOf(event)) {
      const ids = this.#setsOf(of).get(key) ?? new Set();
      this.#setsOf(of).set(key, ids.add(event.id));
    }
  }

  acknowledged(event: NostrEvent): void {
    this.asked(event);
    this.#events.get(event.id)!.certainty = 'sure';
  }

  /** The daemon said no, or had it not after a start: then it never comes. */
  refused({ id }: Pick<NostrEvent, 'id'>): void {
    const known = this.#events.get(id);
    if (known?.certainty !== 'asked') return;
    this.#events.delete(id);
    for (const [of, key] of keysOf(known.event)) this.#setsOf(of).get(key)?.delete(id);
  }

  takingAway(ids: readonly string[]): void {
    for (const id of ids) this.#taken.set(id, 'asked');
  }

  takenAway(ids: readonly string[]): void {
    for (const id of ids) this.#taken.set(id, 'sure');
  }

  /** What nobody can know before the daemon is asked. */
  get doubtful(): string[] {
    const asked = [...this.#events].filter(([, { certainty }]) => certainty === 'asked').map(([id]) => id);
    return [...asked, ...[...this.#taken].filter(([, certainty]) => certainty === 'asked').map(([id]) => id)];
  }

  /** Ends all doubt, after a start, by what is there. */
  resolve(there: ReadonlySet<string>): void {
    for (const [id, { event, certainty }] of [...this.#events]) {
      if (certainty !== 'asked') continue;
      if (there.has(id)) this.acknowledged(event);
      else this.refused(event);
    }
    for (const [id, certainty] of [...this.#taken]) {
      if (certainty !== 'asked') continue;
      if (there.has(id)) this.#taken.delete(id);
      else this.#taken.set(id, 'sure');
    }
  }

  expectations(nowSeconds: number): Expectations {
    const present: string[] = [];
    const absent: string[] = [];
    for (const [id, { event, certainty }] of this.#events) {
      const removal = this.#removalOf(event, nowSeconds);
      if (removal === 'sure') absent.push(id);
      else if (removal === undefined && certainty === 'sure') present.push(id);
    }
    return { present, absent };
  }

  /** Whether something removes an event for sure, or may do so; `undefined` where nothing does. */
  #removalOf(event: NostrEvent, nowSeconds: number): Certainty | undefined {
    const removals: (Certainty | undefined)[] = [this.#taken.get(event.id)];
    const expiration = expirationOf(event);
    if (expiration !== undefined && expiration <= nowSeconds - expirySlack) removals.push('sure');
    else if (expiration !== undefined && expiration <= nowSeconds + expirySlack) removals.push('asked');
    const address = addressTextOf(event);
    if (!isDeletion(event)) {
      removals.push(...this.#certaintiesOf(this.#deletions.get(byId(event.pubkey, event.id)), () => true));
      const isOlder = (other: NostrEvent) => event.created_at <= other.created_at;
      removals.push(...this.#certaintiesOf(this.#deletions.get(address ?? ''), isOlder));
    }
    const isNewer = (other: NostrEvent) => other.id !== event.id && supersedes(other, event);
    removals.push(...this.#certaintiesOf(this.#versions.get(address ?? ''), isNewer));
    return removals.includes('sure') ? 'sure' : removals.find((found) => found !== undefined);
  }

  #certaintiesOf(ids: ReadonlySet<string> | undefined, isSuch: (event: NostrEvent) => boolean): Certainty[] {
    return [...(ids ?? [])].flatMap((id) => {
      const { event, certainty } = this.#events.get(id)!;
      return isSuch(event) ? [certainty] : [];
    });
  }

  #setsOf(of: 'deletions' | 'versions'): Map<string, Set<string>> {
    return of === 'deletions' ? this.#deletions : this.#versions;
  }
}

function byId(pubkey: string, id: string): string {
  return `${pubkey}/${id}`;
}

/** Under what an event is found by those that it removes. */
function keysOf(event: NostrEvent): (readonly [of: 'deletions' | 'versions', key: string])[] {
  const address = addressTextOf(event);
  if (!isDeletion(event)) return address === undefined ? [] : [['versions', address]];
  const { ids, addresses } = deletionTargets(event);
  return [
    ...ids.map((id) => ['deletions', byId(event.pubkey, id)] as const),
    ...addresses.map((named) => ['deletions', formatAddress(named)] as const),
  ];
}
