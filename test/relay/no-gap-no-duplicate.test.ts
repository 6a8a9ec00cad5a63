import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Deferred, deferred } from '../../src/lib/abort.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { StoredEvent } from '../../src/store/event-store.js';
import { plainEvent, sessionWorld, storedEvent } from './fakes.js';

/**
 * A store and its feed whose every step is taken by the test: an event is first in the index, later on disk and
 * announced; a query gives one event at a step, either of the index as it was or as it is by then.
 */
class SteppedStore {
  readonly index: NostrEvent[] = [];
  readonly unannounced: NostrEvent[] = [];
  #steps: Deferred<void>[] = [];
  readonly #isSnapshot: boolean;

  constructor(isSnapshot: boolean) {
    this.#isSnapshot = isSnapshot;
  }

  put(event: NostrEvent): void {
    this.index.push(event);
    this.unannounced.push(event);
  }

  /** The next event that is on disk and to be announced. */
  written(): NostrEvent | undefined {
    return this.unannounced.shift();
  }

  step(): boolean {
    const step = this.#steps.shift();
    step?.resolve();
    return step !== undefined;
  }

  readonly query = (): AsyncIterable<readonly StoredEvent[]> => {
    const rows = this.#isSnapshot ? [...this.index] : this.index;
    return this.#stream(rows);
  };

  async *#stream(rows: NostrEvent[]): AsyncGenerator<readonly StoredEvent[]> {
    for (let at = 0; at < rows.length; at += 1) {
      const step = deferred<void>();
      this.#steps.push(step);
      await step.promise;
      yield [storedEvent(rows[at] as NostrEvent, at + 1)];
    }
  }
}

type Step = 'put' | 'announce' | 'step' | 'time' | 'full' | 'waitForCapacity' | 'request';
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<Step>('step') },
    { weight: 1, arbitrary: fc.constantFrom<Step>('full', 'request') },
    { weight: 8, arbitrary: fc.constantFrom<Step>('put', 'announce', 'time', 'waitForCapacity') },
  ),
  { minLength: 10, maxLength: 60, size: 'max' },
);

describe('a subscription', () => {
  it.each([true, false])(
    'has no gap and no duplicate, whatever comes between (snapshot: %s)',
    async (isSnapshot) => {
      await fc.assert(
        fc.asyncProperty(fc.nat(5), fc.nat(5), steps, async (announced, pending, script) => {
          const store = new SteppedStore(isSnapshot);
          const world = sessionWorld({ store: { query: store.query } });
          let number = 0;
          const announce = () => {
            const event = store.written();
            if (event !== undefined) world.admission.announce(event);
            return event !== undefined;
          };
          const put = () => {
            number += 1;
            store.put(plainEvent(number));
          };
          for (let made = 0; made < announced; made += 1) put();
          while (announce());
          for (let made = 0; made < pending; made += 1) put();
          const { outbox, send } = world.client();
          let subscriptions = 0;
          const request = () => {
            subscriptions += 1;
            send('REQ', `s${subscriptions}`, { kinds: [1] });
          };
          request();
          await world.settle();
          const run: Record<Step, () => unknown> = {
            put,
            announce,
            request,
            step: () => store.step(),
            time: () => world.clock.advance(50),
            full: () => {
              outbox.full = true;
            },
            waitForCapacity: () => {
              outbox.full = false;
            },
          };
          for (const step of script) {
            await run[step]();
            await world.settle();
          }
          outbox.full = false;
          do await world.settle();
          while (store.step());
          while (announce());
          await world.clock.advance(1_000);

          const all = store.index.map(({ id }) => id);
          for (let opened = 1; opened <= subscriptions; opened += 1) {
            expect(outbox.eventIds(`s${opened}`).sort()).toEqual(all.sort());
          }
          expect(outbox.ofType('EOSE')).toHaveLength(subscriptions);
          expect(world.clock.timers).toBe(0);
        }),
        { numRuns: 300, seed: 1 },
      );
    },
  );
});
