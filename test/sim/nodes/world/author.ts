import { unixSeconds } from '../../../../src/lib/clock.js';
import type { Random } from '../../../../src/lib/random.js';
import { addressTextOf } from '../../../../src/nostr/address.js';
import type { NostrEvent } from '../../../../src/nostr/event.js';
import type { VirtualClock } from '../../../support/virtual-clock.js';
import { between, chance, pick, randomHex } from '../../random.js';
import { signed } from '../../world/signing.js';

export const ownerKey = 'a'.repeat(64);
export const repository = `30617:${ownerKey}:all`;

/** The announcement on which all that authors say hangs. */
export function announcement(createdAt: number): NostrEvent {
  const tags = [
    ['d', 'all'],
    ['clone', 'https://elsewhere.example/all.git'],
    ['relays', 'wss://elsewhere.example'],
  ];
  return signed({ pubkey: ownerKey, created_at: createdAt, kind: 30_617, tags, content: '' });
}

/** By when at the latest what expires has expired, in seconds after it was made. */
export const expirySecondsMax = 90;

/** Somebody who says things of all sorts, and takes back and replaces them; whatever order they arrive in, the same remains. */
export class Author {
  readonly #pubkey: string;
  readonly #random: Random;
  readonly #clock: VirtualClock;
  /** What was taken, and may be deleted. */
  #own: NostrEvent[] = [];
  readonly #said: NostrEvent[] = [];
  #createdAt: number;

  constructor(random: Random, clock: VirtualClock) {
    this.#random = random;
    this.#clock = clock;
    this.#pubkey = randomHex(random, 64);
    this.#createdAt = unixSeconds(clock) - 1_000_000;
  }

  /** What they say next; some of it once more. */
  next(): NostrEvent {
    const random = this.#random;
    if (this.#said.length > 0 && chance(random, 0.12)) return pick(random, this.#said);
    const event = this.#deletion() ?? this.#statement();
    // What is passed on and not stored comes as often as it is said.
    if (event.kind !== ephemeralKind) this.#said.push(event);
    return event;
  }

  /** It was taken. */
  taken(event: NostrEvent): void {
    if (event.kind !== 5 && event.kind !== ephemeralKind) this.#own.push(event);
  }

  #deletion(): NostrEvent | undefined {
    const random = this.#random;
    if (this.#own.length === 0 || !chance(random, 0.18)) return undefined;
    const target = pick(random, this.#own);
    const address = addressTextOf(target);
    // A version of something is deleted with all older ones: else it mattered which of them came first.
    const isGone = (event: NostrEvent) =>
      address === undefined ? event === target : addressTextOf(event) === address;
    this.#own = this.#own.filter((event) => !isGone(event));
    if (address !== undefined) return this.#sign(5, [['a', address]]);
    const expiring = chance(random, 0.2) ? [this.#expiration()] : [];
    return this.#sign(5, [['e', target.id], ...expiring]);
  }

  #statement(): NostrEvent {
    const random = this.#random;
    const about = ['a', repository];
    const dice = between(random, 1, 100);
    if (dice <= 15) return this.#sign(1621, [about, this.#expiration()]);
    if (dice <= 25) return this.#sign(10_317, [['g', `wss://${dice}.example`]]);
    if (dice <= 50) return this.#sign(30_023, [about, ['d', String(between(random, 0, 2))]]);
    if (dice <= 55) return this.#sign(ephemeralKind, [about]);
    return this.#sign(pick(random, [1621, 1617, 1111]), [about]);
  }

  #expiration(): string[] {
    return ['expiration', String(unixSeconds(this.#clock) + between(this.#random, 3, expirySecondsMax))];
  }

  #sign(kind: number, tags: string[][]): NostrEvent {
    this.#createdAt += 1;
    const content = 'x'.repeat(between(this.#random, 0, 60));
    return signed({ pubkey: this.#pubkey, created_at: this.#createdAt, kind, tags, content });
  }
}

export const ephemeralKind = 20_001;
