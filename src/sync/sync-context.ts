import type { Admission } from '../admission/admission.js';
import type { Kernels } from '../kernels/kernels.js';
import type { Clock } from '../lib/clock.js';
import type { Random } from '../lib/random.js';
import type { Identity } from '../nostr/keys.js';
import type { EventStore } from '../store/event-store.js';
import type { KnownSet } from '../store/known-set.js';
import type { RefusedIndex } from '../store/refused-index.js';
import type { DialGates } from './dial-gates.js';
import type { FilterService } from './filter.js';
import type { RelayHealthTracker } from './health.js';
import type { HeldMemory } from './held-memory.js';
import type { HostBudgets } from './host-budget.js';
import type { InFlightIds } from './in-flight.js';
import type { SyncLogger } from './logger.js';
import type { SyncMetrics } from './metrics.js';
import type { Rehearsal } from './rehearsal.js';
import type { SyncSettings } from './settings.js';
import type { StoredLater } from './stored-later.js';
import type { Transfers } from './transfers.js';
import type { Dialer } from './transport.js';

/** What sync works with; everything that has effects is a port. */
export type SyncPorts = {
  readonly store: EventStore;
  readonly refused: RefusedIndex;
  readonly admission: Admission;
  readonly kernels: Kernels;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: SyncLogger;
  readonly metrics: SyncMetrics;
  readonly settings: SyncSettings;
  /** The key that answers `auth-required:` (NIP-42); without one such relays are left alone. */
  readonly identity: Identity | undefined;
};

/** What all relays share. */
export type SyncContext = SyncPorts & {
  readonly filters: FilterService;
  readonly health: RelayHealthTracker;
  readonly inFlight: InFlightIds;
  /** Our side where a relay is asked for everything. */
  readonly known: KnownSet;
  readonly rehearsal: Rehearsal;
  readonly hosts: HostBudgets;
  /** What remotes make us hold. */
  readonly held: HeldMemory;
  readonly dials: DialGates;
  readonly transfers: Transfers;
  readonly later: StoredLater;
};
