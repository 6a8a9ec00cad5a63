import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { BodyFault } from '../../store/backend.js';
import type { FaultyEvent } from '../../store/faulty-rows.js';

const meaning: Readonly<Record<BodyFault, string>> = {
  missing: 'the bytes of a stored event are gone: it is forgotten, and asked of other relays again',
  damaged: 'a stored event is damaged on the disk: it is forgotten, and asked of other relays again',
  unreadable: 'a stored event cannot be read from the disk: answers leave it out',
};

/** Says and counts which stored events are not to be had, and has those that are lost asked for again. */
export class StoreFaults {
  readonly #logger: Logger;
  readonly #counter: Counter<'fault'>;
  readonly #losses: Counter;
  readonly #listeners = new Set<(event: FaultyEvent) => void>();
  #ask: (ids: readonly string[]) => void = () => {};

  constructor(registry: Registry, logger: Logger) {
    this.#logger = logger;
    this.#counter = new Counter({
      name: 'ngit_store_faulty_events_total',
      help: 'Stored events whose bytes are missing, damaged or unreadable',
      labelNames: ['fault'],
      registers: [registry],
    });
    this.#losses = new Counter({
      name: 'ngit_store_losses_total',
      help: 'Gaps and damages that were found when the store was opened',
      registers: [registry],
    });
    for (const fault of Object.keys(meaning)) this.#counter.inc({ fault }, 0);
  }

  /** What was found missing when the store was opened. */
  sayLosses(losses: readonly string[]): void {
    this.#losses.inc(losses.length);
    for (const loss of losses) {
      this.#logger.error({ loss }, 'the store has lost writes: catch-up brings back what other relays have');
    }
  }

  /** Who asks other relays; what was lost before that is brought by the first catch-up. */
  askWith(ask: (ids: readonly string[]) => void): void {
    this.#ask = ask;
  }

  /** Has the listener told of each from now on. Disposing of what is returned takes that back. */
  onFault(listener: (event: FaultyEvent) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  readonly add = (event: FaultyEvent): void => {
    const { id, kind, pubkey, fault } = event;
    this.#counter.inc({ fault });
    this.#logger.error({ event: id, kind, pubkey, fault }, meaning[fault]);
    if (fault !== 'unreadable') this.#ask([id]);
    for (const listener of this.#listeners) listener(event);
  };
}
