import type { Admission } from '../../admission/admission.js';
import type { Kernels } from '../../kernels/kernels.js';
import type { Clock } from '../../lib/clock.js';
import type { Random } from '../../lib/random.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { Identity } from '../../nostr/keys.js';
import type { RepositoryDirectory } from '../../repositories/repository-directory.js';
import type { EventStore } from '../../store/event-store.js';
import type { RefusedIndex } from '../../store/refused/refused-index.js';
import type { KnownSet } from '../../store/sets/known-set.js';
import type { Dialer } from '../dial/transport.js';
import type { InFlightIds } from '../fetch/in-flight.js';
import type { HeldMemory } from '../held-memory.js';
import type { DialGates } from '../hosts/dial-gates.js';
import type { HostBudgets } from '../hosts/host-budget.js';
import type { Transfers } from '../hosts/transfers.js';
import type { SyncLogger } from '../report/logger.js';
import type { SyncMetrics } from '../report/metrics.js';
import type { StoredLater } from '../report/run-log.js';
import type { SyncSettings } from '../settings.js';
import type { FilterService } from '../topics/filter-service.js';
import type { RelayHealthTracker } from './health.js';

/** What sync works with; everything that has effects is a port. */
export type SyncPorts = {
  readonly store: EventStore;
  /** What is stored about repositories, loaded. */
  readonly directory: RepositoryDirectory;
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
  readonly hosts: HostBudgets;
  /** What remotes make us hold. */
  readonly held: HeldMemory;
  /** Those in which the messages of all remotes are read. */
  readonly reading: WorkTurns;
  /** Those in which topics are gone through that may be very many. */
  readonly turns: WorkTurns;
  readonly dials: DialGates;
  readonly transfers: Transfers;
  readonly later: StoredLater;
};
