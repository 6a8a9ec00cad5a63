import { collectDefaultMetrics, type Registry } from 'prom-client';

/**
 * The metrics of the process under the names that Prometheus clients share (`process_…`, `nodejs_…`): memory, CPU,
 * event loop lag, garbage collection. Returns the way to stop.
 */
export function collectProcessMetrics(registry: Registry): () => void {
  collectDefaultMetrics({ register: registry });
  return () => registry.clear();
}
