import { CatchupTopics } from './catchup-topics.js';
import type { Topic } from './layers.js';
import { LiveTopics } from './live-topics.js';
import {
  atRest,
  type CatchupBatch,
  isWanted,
  stands,
  type TopicState,
  TopicStates,
  unknownTopic,
  unwanted,
} from './topic-state.js';

/**
 * The state of all topics of one relay, for as long as the process lives: what live sync and catch-up have come to with
 * each, by what happened to it. Pure: it holds no socket, timer or clock; methods are events, and what follows from
 * them is what they return. An event about n topics costs O(n). These hold after every event:
 *
 * 1. On a connection, every wanted topic is missing, opening, live, uncovered or has a retry to come.
 * 2. Every wanted topic that may be caught up and is not done is due, or in a batch that is under way or interrupted,
 *    unless that was given up.
 * 3. A topic is due once: the start and the day ask for all, a reconnect for no more than these.
 * 4. A topic is done only as of when a batch began that asked for it, and that it was wanted all the time since.
 * 5. What is due, done or interrupted survives the end of a connection, and nothing that is live does.
 * 6. What live sync may have missed of a topic that is done is due, in a batch that began later, or due when one that
 *    began before is done, unless that was given up.
 * 7. Nothing is known of a topic that is not wanted, except that a subscription still asks about it.
 */
export class TopicTable {
  readonly #states = new TopicStates();
  readonly catchup = new CatchupTopics(this.#states);
  readonly live = new LiveTopics(this.#states, this.catchup);
  #isConnected = false;

  /** Whether nothing is known of any topic. */
  get isEmpty(): boolean {
    return this.#states.size === 0;
  }

  /** On a connection; without one, what is wanted is told when there is one. */
  want(topics: Iterable<Topic>): void {
    if (!this.#isConnected) return;
    this.#states.change(topics, (state) => {
      if (state === undefined) return { ...unknownTopic, live: { type: 'missing' } };
      if (state.live.type !== 'leftover') return state;
      const wanted = { ...unknownTopic, live: state.live.covered };
      // No subscription is opened for it, so nothing else tells that its history is due.
      return stands(state) ? this.catchup.allow(wanted) : wanted;
    });
  }

  /** Gives the batches under way that nothing is wanted of any more. What is not wanted stays in its filters. */
  unwant(topics: Iterable<Topic>): CatchupBatch[] {
    const left = new Set<CatchupBatch>();
    if (!this.isEmpty) {
      this.#states.change(topics, (state) => {
        for (const batch of state?.batches ?? []) left.add(batch);
        return state && unwanted(state);
      });
    }
    return this.catchup.unwanted(left);
  }

  /** Of how many topics something is known. */
  get size(): number {
    return this.#states.size;
  }

  /** All topics of which something is known. */
  get known(): Iterable<Topic> {
    return this.#states.topics();
  }

  /** Begins with all that is wanted; very much is told piece by piece. */
  connected(topics: Iterable<Topic>): void {
    this.#isConnected = true;
    this.#states.change(topics, (state = unknownTopic) => ({ ...state, live: { type: 'missing' } }));
  }

  /** Ends with all that is known, which is told piece by piece where it is very much. */
  disconnected(topics: Iterable<Topic> = this.known): void {
    this.#isConnected = false;
    this.catchup.disconnected();
    this.live.disconnected();
    this.#states.change(topics, (state) => state && atRest(state));
  }

  /** Everything is caught up again: all of `topics`, which are those that are wanted. */
  dayBegins(topics: Iterable<Topic>): void {
    this.#states.change(topics, (state) => {
      if (state === undefined)
        return this.#isConnected ? undefined : this.catchup.withDue(unknownTopic, 'daily');
      return isWanted(state) ? this.catchup.withDue(state, 'daily') : state;
    });
  }

  wants(topic: Topic): boolean {
    const state = this.#states.get(topic);
    return state !== undefined && isWanted(state);
  }

  /** As of when all of these are done; `undefined` when one of them never was. */
  oldestDoneAt(topics: Iterable<Topic>): number | undefined {
    return this.#states.oldestDoneAt(topics);
  }

  /** The state of a topic, to be looked at. */
  stateOf(topic: Topic): TopicState | undefined {
    return this.#states.get(topic);
  }
}
