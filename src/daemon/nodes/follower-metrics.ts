import { Histogram, type Registry } from 'prom-client';
import { secondMs } from '../../lib/clock.js';
import { largest } from '../../lib/collections/lists.js';
import { gaugesIn } from '../../lib/gauge.js';
import type { TailTimes } from '../../store/following/log-follower.js';
import type { Behind } from './lag.js';

/** Shows how many follow the one that writes, and how far they are behind. */
export function watchFollowers(registry: Registry, read: () => readonly { readonly behind: Behind }[]): void {
  const gauge = gaugesIn(registry);
  gauge('ngit_followers', 'Other graspd that follow this one', () => read().length);
  gauge(
    'ngit_followers_lag_seconds',
    'For how long the follower that is furthest behind has not served what this one wrote',
    () => largest([0, ...read().map(({ behind }) => behind.ms)]) / secondMs,
  );
}

/** From the quickest to the slowest that is told apart, in seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

/** What a graspd that follows counts of that. */
export class FollowerMetrics {
  /** From being told of something new until it is served here, in seconds. */
  readonly delay: Histogram;
  readonly #tail: Histogram<'step'>;
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.delay = new Histogram({
      name: 'ngit_follower_delay_seconds',
      help: 'From hearing of new events in the database until they are served here',
      buckets,
      registers: [registry],
    });
    this.#tail = new Histogram({
      name: 'ngit_follower_tail_seconds',
      help: 'What a piece of the log in the database took: to read it, and to fold it into the index, in turns of the event loop',
      labelNames: ['step'],
      buckets,
      registers: [registry],
    });
    for (const step of ['read', 'fold']) this.#tail.zero({ step });
  }

  /** A piece of the log was taken over. */
  readonly tailed = ({ readMs, foldMs }: TailTimes): void => {
    this.#tail.observe({ step: 'read' }, readMs / secondMs);
    this.#tail.observe({ step: 'fold' }, foldMs / secondMs);
  };

  watchLag(read: () => number): void {
    gaugesIn(this.#registry)(
      'ngit_follower_lag_events',
      'Sequences of the database, as last told, that are not served here yet',
      read,
    );
  }

  watchLink(link: { readonly isOpen: boolean; readonly waiting: number }): void {
    const gauge = gaugesIn(this.#registry);
    gauge('ngit_follower_connected', 'Whether there is a connection to the graspd that writes', () =>
      Number(link.isOpen),
    );
    gauge(
      'ngit_follower_waiting_events',
      'Events of clients on their way to the graspd that writes, and without an answer',
      () => link.waiting,
    );
  }
}
