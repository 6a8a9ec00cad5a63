import type { Random } from '../../../src/lib/random.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { between, chance, fork, pick, randomHex, sample } from '../random.js';
import {
  addressOfPlan,
  type Cast,
  type CastSize,
  crowdPlans,
  drawCast,
  type RelayPlan,
  type RepositoryPlan,
} from './cast.js';
import * as make from './events.js';
import { signed } from './signing.js';

/** An event and when and where it is said first. */
export type Publication = {
  readonly event: NostrEvent;
  /** Milliseconds after the start; below 0 for what the relays hold already. */
  readonly atMs: number;
  readonly relays: readonly RelayPlan[];
  /** When a user gives it to us as well, if one does. */
  readonly directAtMs: number | undefined;
};

export type UniverseSize = CastSize & {
  readonly events: number;
  /** How far back history reaches, and for how long events are said after the start. */
  readonly historySeconds: number;
  readonly liveSeconds: number;
  /** The share of the events that is said after the start. */
  readonly liveShare: number;
  /** The share of the events that begins something: issues, patches, pull requests. */
  readonly rootShare: number;
  /** The share of the announcements that their authors give to us soon after the start. */
  readonly directAnnouncementShare: number;
};

/** A NIP-34 world: who there is, and all that is ever said in it. */
export type Universe = { readonly cast: Cast; readonly publications: readonly Publication[] };

type Thread = {
  readonly repository: RepositoryPlan;
  readonly root: NostrEvent;
  readonly said: NostrEvent[];
};

/** No second holds more events about one thing, so that a page of any relay can hold a second. */
const densestSecond = 10;

/** Draws a world. `startSeconds` is the wall-clock time at which our daemon starts. */
export function drawUniverse(random: Random, size: UniverseSize, startSeconds: number): Universe {
  return new Author(random, size, startSeconds).write();
}

class Author {
  readonly #random: Random;
  readonly #size: UniverseSize;
  readonly #start: number;
  readonly #cast: Cast;
  readonly #publications: Publication[] = [];
  readonly #threads: Thread[] = [];
  #oddTimes = 0;

  constructor(random: Random, size: UniverseSize, start: number) {
    this.#random = random;
    this.#size = size;
    this.#start = start;
    this.#cast = drawCast(fork(random), size);
  }

  write(): Universe {
    for (const repository of this.#cast.repositories) this.#announce(repository);
    while (this.#publications.length < this.#size.events) this.#say();
    if (chance(this.#random, 0.4)) this.#crowd();
    return { cast: this.#cast, publications: this.#publications };
  }

  #announce(repository: RepositoryPlan): void {
    const random = this.#random;
    const versions = pick(random, [1, 1, 1, 2, 3]);
    let at = this.#time();
    for (let version = 0; version < versions; version++) {
      const changes = version === 0 ? {} : this.#changes(repository);
      this.#publish(make.announcement(random, repository, repository.owner, at, changes), repository);
      at += between(random, 1, 500_000);
    }
    for (const key of repository.maintainers) {
      if (!chance(random, 0.6)) continue;
      const event = make.announcement(random, repository, key, this.#time(), {
        listsUs: chance(random, 0.3),
      });
      this.#publish(event, repository);
    }
    for (const key of [repository.owner, ...repository.maintainers]) {
      if (chance(random, 0.8))
        this.#publish(make.state(random, repository.identifier, key, this.#time()), repository);
    }
  }

  /** Strangers announce repositories with many URLs of one host, some of them anew with others. */
  #crowd(): void {
    const random = this.#random;
    for (let count = between(random, 1, 8); count > 0; count--) {
      const relays = crowdPlans(random, between(random, 5, 40));
      const plan = {
        owner: randomHex(random, 64),
        identifier: `crowd-${count}`,
        maintainers: [],
        listsUs: true,
      };
      for (const at of [this.#time(), this.#start + between(random, 0, this.#size.liveSeconds)]) {
        const changes = { relays: sample(random, relays, between(random, 1, relays.length)) };
        this.#publish(make.announcement(random, { ...plan, relays }, plan.owner, at, changes));
      }
    }
  }

  #changes(repository: RepositoryPlan): { listsUs: boolean; relays: readonly RelayPlan[] } {
    const random = this.#random;
    const moved = sample(
      random,
      this.#cast.relays,
      between(random, 1, Math.min(4, this.#cast.relays.length)),
    );
    return {
      listsUs: chance(random, 0.1) ? !repository.listsUs : repository.listsUs,
      relays: chance(random, 0.5) ? moved : repository.relays,
    };
  }

  #say(): void {
    const draw = this.#random.next();
    if (draw < this.#size.rootShare || this.#threads.length === 0) this.#startThread();
    else if (draw < 0.72) this.#reply();
    else if (draw < 0.78) this.#burst();
    else if (draw < 0.82) this.#state();
    else if (draw < 0.86) this.#delete();
    else if (draw < 0.88) this.#publish(make.graspList(this.#random, this.#cast, this.#time()));
    else if (draw < 0.91) this.#expiring();
    else this.#publish(make.spam(this.#random, this.#cast, this.#time()));
  }

  #startThread(): void {
    const repository = pick(this.#random, this.#cast.repositories);
    const root = make.root(this.#random, this.#cast, repository, this.#time());
    this.#threads.push({ repository, root, said: [root] });
    this.#publish(root, repository);
  }

  #reply(): void {
    const random = this.#random;
    const odd = this.#oddTimes < densestSecond && chance(random, 0.02);
    if (odd) this.#oddTimes += 1;
    this.#replyAt(pick(random, this.#threads), odd ? make.oddTime(random, this.#start) : this.#time());
  }

  #replyAt(thread: Thread, at: number): void {
    const { root, said, repository } = thread;
    const about = { root, parent: pick(this.#random, said), address: addressOfPlan(repository) };
    const event = make.reply(this.#random, this.#cast, about, at);
    said.push(event);
    this.#publish(event, repository);
  }

  /** A second into which many events about one thread fall. */
  #burst(): void {
    const thread = pick(this.#random, this.#threads);
    const at = this.#time();
    for (let count = between(this.#random, 3, densestSecond - 2); count > 0; count--)
      this.#replyAt(thread, at);
  }

  #state(): void {
    const random = this.#random;
    const { owner, maintainers, identifier } = pick(random, this.#cast.repositories);
    this.#publish(make.state(random, identifier, pick(random, [owner, ...maintainers]), this.#time()));
  }

  #delete(): void {
    const random = this.#random;
    const { event, relays } = pick(random, this.#publications);
    const thread = pick(random, this.#threads);
    const at = Math.min(event.created_at + between(random, 0, 100_000), 2 ** 40);
    const request = make.deletion(random, event, addressOfPlan(thread.repository), at);
    // Sometimes a stranger asks for what is not theirs to delete.
    const { kind, tags, content, created_at } = request;
    const pubkey = chance(random, 0.2) ? pick(random, this.#cast.authors) : request.pubkey;
    this.#publish(signed({ pubkey, created_at, kind, tags, content }), undefined, relays);
  }

  #expiring(): void {
    const random = this.#random;
    const { root, repository } = pick(random, this.#threads);
    const at = this.#time();
    const tags = [
      ['E', root.id],
      ['a', addressOfPlan(repository)],
    ];
    tags.push(['expiration', String(at + between(random, 60, 2 * this.#size.liveSeconds))]);
    const kind = pick(random, [1111, 1111, 20_001]);
    const pubkey = pick(random, this.#cast.authors);
    this.#publish(signed({ pubkey, created_at: at, kind, tags, content: make.noise(random) }), repository);
  }

  /** A time of history, or of the time to come. */
  #time(): number {
    const random = this.#random;
    if (chance(random, this.#size.liveShare)) return this.#start + between(random, 0, this.#size.liveSeconds);
    return this.#start - between(random, 1, this.#size.historySeconds);
  }

  #publish(event: NostrEvent, repository?: RepositoryPlan, among?: readonly RelayPlan[]): void {
    const random = this.#random;
    const home =
      among ?? (repository === undefined || chance(random, 0.1) ? this.#cast.relays : repository.relays);
    const relays = sample(random, home, between(random, 1, Math.max(1, Math.min(3, home.length))));
    const fresh = event.created_at >= this.#start && event.created_at <= this.#start + this.#size.liveSeconds;
    // What is said now may carry an old time, for clocks and people are what they are.
    const backdated = !fresh && chance(random, this.#size.liveShare * 0.2);
    let atMs = -1;
    if (fresh) atMs = (event.created_at - this.#start) * 1000 + between(random, 0, 20_000);
    else if (backdated) atMs = between(random, 0, this.#size.liveSeconds * 1000);
    this.#publications.push({ event, atMs, relays, directAtMs: this.#directAt(event, atMs) });
  }

  #directAt({ kind }: NostrEvent, atMs: number): number | undefined {
    const random = this.#random;
    if (kind === 30_617 && chance(random, this.#size.directAnnouncementShare))
      return between(random, 0, 120_000);
    return atMs >= 0 && chance(random, 0.03) ? atMs : undefined;
  }
}
