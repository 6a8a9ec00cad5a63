import type { Registry } from 'prom-client';
import { backgroundTurns } from '../config/background-turns.js';
import type { Options } from '../config/options.js';
import { createWasmKernels } from '../kernels/wasm/kernels.js';
import { RelayMetrics } from '../relay/relay-metrics.js';
import { type RelayParts, RelayServer } from '../relay/relay-server.js';
import type { EventStore } from '../store/event-store.js';
import { LocalSets } from '../store/sets/local-sets.js';
import { kernelBytesOf, ownServiceOf } from './settings.js';
import type { Surroundings } from './surroundings.js';

export type DaemonRelayParts = Pick<RelayParts, 'admission' | 'accounts' | 'verifier' | 'settings'> & {
  readonly store: EventStore;
  readonly registry: Registry;
};

/** The relay towards clients, of a daemon that writes and of one that follows. */
export function createRelay(
  options: Options,
  { clock, faults, logger }: Surroundings,
  { store, registry, ...parts }: DaemonRelayParts,
): RelayServer {
  // Clients have kernels of their own: whatever they make the relay hold, the memory of our own catch-up is free.
  const kernels = createWasmKernels({ bytesMax: kernelBytesOf(options) });
  const turns = backgroundTurns(clock, 'care');
  const ownService = ownServiceOf(options);
  return new RelayServer({
    ...parts,
    store,
    localSets: new LocalSets(store, kernels, turns),
    kernels,
    clock,
    logger,
    metrics: new RelayMetrics(registry),
    faults,
    isOwnUrl: (url) => ownService.isNamedBy(url),
  });
}
