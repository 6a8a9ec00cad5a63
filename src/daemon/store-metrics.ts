import { Gauge, type Registry } from 'prom-client';
import type { OpenedStore, StoreStats } from '../store/opened-store.js';

/** What the store holds, read when it is scraped. */
export class StoreMetrics {
  constructor(registry: Registry, opened: Pick<OpenedStore, 'stats'>) {
    const gauge = (name: string, help: string, key: keyof StoreStats) =>
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(opened.stats()[key]);
        },
      });
    gauge('ngit_store_events', 'Stored events', 'storedEvents');
    gauge('ngit_store_refused_events', 'Refused events whose ids are remembered', 'refusedEvents');
    gauge('ngit_store_index_bytes', 'Memory of the index of events', 'indexBytes');
    gauge('ngit_store_pending_events', 'Events that wait to be written', 'pendingEvents');
  }
}
