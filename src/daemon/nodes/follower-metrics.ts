import { Histogram, type Registry } from 'prom-client';
import { gaugesIn } from '../../lib/gauge.js';

/** Shows how many follow the one that writes. */
export function watchFollowers(registry: Registry, read: () => number): void {
  gaugesIn(registry)('ngit_followers', 'Other graspd that follow this one', read);
}

/** What a graspd that follows counts of that. */
export class FollowerMetrics {
  /** From being told of something new until it is served here, in seconds. */
  readonly delay: Histogram;
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.delay = new Histogram({
      name: 'ngit_follower_delay_seconds',
      help: 'From hearing of new events in the database until they are served here',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
      registers: [registry],
    });
  }

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
