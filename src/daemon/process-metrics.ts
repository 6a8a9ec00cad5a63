import { readdir } from 'node:fs/promises';
import { getHeapStatistics } from 'node:v8';
import { Counter, collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import { peakShares } from '../config/limit-use.js';
import { programVersion } from '../config/version.js';
import { type AddressAccounts, limitedThings } from '../lib/budgets/address-accounts.js';
import { type Faults, faultOwners } from '../lib/faults.js';
import { gaugesIn } from '../lib/gauge.js';

/** Gauges whose names are those of counters; the same without `_total` says as much, by type. */
const misnamed = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

/**
 * The metrics of the process under the names that Prometheus clients share (`process_…`, `nodejs_…`): memory, CPU,
 * event loop lag, garbage collection; how much memory Node may take; and which version runs. Returns the way to stop.
 */
export function collectProcessMetrics(registry: Registry): () => void {
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  countOpenFiles(registry);
  gaugesIn(registry)(
    'ngit_heap_limit_bytes',
    'Most that the heap of JavaScript may take before the process ends',
    () => getHeapStatistics().heap_size_limit,
  );
  new Gauge({
    name: 'ngit_build_info',
    help: 'Always 1; which version runs, upon which Node',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version: programVersion, node: process.versions.node }, 1);
  return () => registry.clear();
}

/** The default one reads the folder at once, which takes tens of milliseconds where thousands of clients are connected. */
function countOpenFiles(registry: Registry): void {
  if (process.platform !== 'linux') return;
  const name = 'process_open_fds';
  registry.removeSingleMetric(name);
  new Gauge({
    name,
    help: 'Number of open file descriptors.',
    registers: [registry],
    async collect() {
      const files = await readdir('/proc/self/fd').catch(() => undefined);
      // Without the one that it is read with.
      if (files !== undefined) this.set(files.length - 1);
    },
  });
}

/** Shows how near the fixed limits came. */
export function watchLimits(registry: Registry): void {
  new Gauge({
    name: 'ngit_limit_peak_ratio',
    help: 'The most of a fixed limit (docs/limits.md) that was used since the start; 1 where it was reached',
    labelNames: ['limit'],
    registers: [registry],
    collect() {
      for (const [limit, share] of peakShares()) this.set({ limit }, share);
    },
  });
}

/** Shows how many callbacks failed. */
export function watchFaults(registry: Registry, faults: Faults): void {
  new Counter({
    name: 'ngit_faults_total',
    help: 'Exceptions in callbacks of sockets, timers, workers and processes, by what they worked for; each one is a fault of graspd',
    labelNames: ['owner'],
    registers: [registry],
    collect() {
      this.reset();
      for (const owner of faultOwners) this.inc({ owner }, faults.counts.get(owner) ?? 0);
    },
  });
}

/** Shows how often the limits of one address were met. */
export function watchAddresses(registry: Registry, accounts: AddressAccounts): void {
  new Counter({
    name: 'ngit_address_limited_total',
    help: 'Connections, requests, events and live subscriptions that were refused or ended for the limits of one address',
    labelNames: ['what'],
    registers: [registry],
    collect() {
      this.reset();
      for (const what of limitedThings) this.inc({ what }, accounts.refusals.get(what) ?? 0);
    },
  });
}
