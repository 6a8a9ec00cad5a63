import type { Random } from '../../../src/lib/random.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { between, chance, pick, randomHex } from '../random.js';
import { addressOfPlan, type Cast, type RepositoryPlan } from '../world/cast.js';
import * as make from '../world/events.js';

type Said = { readonly event: NostrEvent; readonly repository: RepositoryPlan };

const backdatedSecondsMax = 20 * 86_400;

/**
 * The people at the members' clients. What they say is about what the member has to whom they say it; what others have
 * said something about is never deleted, so that no order of arrival leaves another set of events.
 */
export class Authors {
  readonly #random: Random;
  readonly #cast: Cast;
  readonly #announced: Said[] = [];
  readonly #roots: Said[] = [];
  readonly #replies: Said[] = [];

  constructor(random: Random) {
    this.#random = random;
    const authors = Array.from({ length: 12 }, () => randomHex(random, 64));
    this.#cast = { authors, relays: [], repositories: [] };
  }

  /** What somebody says next at a member; `knows` tells whether that has an event. */
  next(nowSeconds: number, knows: (event: NostrEvent) => boolean): NostrEvent {
    const random = this.#random;
    // Some events are older than the look back of a reconnection: the next whole catch-up has to find them.
    const at = chance(random, 0.1) ? nowSeconds - between(random, 1, backdatedSecondsMax) : nowSeconds;
    const known = (said: readonly Said[]) => said.filter(({ event }) => knows(event));
    const repositories = known(this.#announced);
    const roots = known(this.#roots);
    const replies = known(this.#replies);
    const draw = random.next();
    if (repositories.length === 0 || draw < 0.06) return this.#announce(at);
    if (draw < 0.1) return this.#state(pick(random, repositories), at);
    if (roots.length === 0 || draw < 0.4) return this.#begin(pick(random, repositories), at);
    if (replies.length > 0 && draw < 0.46) return this.#delete(pick(random, replies), nowSeconds);
    return this.#reply(pick(random, roots), at);
  }

  #announce(at: number): NostrEvent {
    const random = this.#random;
    const { authors } = this.#cast;
    const repository = {
      owner: pick(random, authors),
      identifier: `repo-${this.#announced.length}`,
      maintainers: chance(random, 0.3) ? [pick(random, authors)] : [],
      listsUs: false,
      relays: [],
    };
    const event = make.announcement(random, repository, repository.owner, at);
    this.#announced.push({ event, repository });
    return event;
  }

  #state({ repository }: Said, at: number): NostrEvent {
    return make.state(this.#random, repository.identifier, repository.owner, at);
  }

  #begin({ repository }: Said, at: number): NostrEvent {
    const event = make.root(this.#random, this.#cast, repository, at);
    this.#roots.push({ event, repository });
    return event;
  }

  #reply({ event: root, repository }: Said, at: number): NostrEvent {
    const address = addressOfPlan(repository);
    const event = make.reply(this.#random, this.#cast, { root, parent: root, address }, at);
    this.#replies.push({ event, repository });
    return event;
  }

  #delete({ event, repository }: Said, at: number): NostrEvent {
    return make.deletion(this.#random, event, addressOfPlan(repository), at);
  }
}
