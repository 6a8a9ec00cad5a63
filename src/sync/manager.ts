import type { Admission } from '../admission/admission.js';
import type { Kernels } from '../kernels/kernels.js';
import type { Clock } from '../lib/clock.js';
import type { Random } from '../lib/random.js';
import type { Identity } from '../nostr/keys.js';
import type { OwnService } from '../nostr/relay-url.js';
import type { Announcement } from '../nostr/repository.js';
import type { EventStore } from '../store/event-store.js';
import type { RefusedIndex } from '../store/refused-index.js';
import type { SyncLogger } from './logger.js';
import type { SyncSettings } from './settings.js';
import type { Dialer } from './transport.js';

/** What sync works with; everything that has effects is a port. */
export type SyncOptions = {
  readonly store: EventStore;
  readonly refused: RefusedIndex;
  readonly admission: Admission;
  readonly kernels: Kernels;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: SyncLogger;
  readonly settings: SyncSettings;
  readonly ownService: OwnService;
  /** The key that answers `auth-required:` (NIP-42); without one such relays are left alone. */
  readonly identity?: Identity;
  /** Whether we serve the announced repository: it lists our service, or the archive settings admit it. */
  readonly serves: (announcement: Announcement) => boolean;
};
