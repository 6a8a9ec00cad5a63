import type { Registry } from 'prom-client';
import { gaugesIn } from '../../lib/gauge.js';
import type { OpenedStore, StoreStats } from '../../store/opened-store.js';

/** Shows what the store holds, read when it is scraped. */
export function watchStore(registry: Registry, opened: Pick<OpenedStore, 'stats'>): void {
  const gauge = gaugesIn(registry);
  const figure = (key: keyof StoreStats) => () => opened.stats()[key];
  gauge('ngit_store_events', 'Stored events', figure('storedEvents'));
  gauge('ngit_store_refused_events', 'Refused events whose ids are remembered', figure('refusedEvents'));
  gauge('ngit_store_index_bytes', 'Memory of the index of events', figure('indexBytes'));
  gauge('ngit_store_pending_events', 'Events that wait to be written', figure('pendingEvents'));
}
