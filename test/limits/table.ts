import type { LimitName } from '../../src/config/limit-use.js';
import { catchupEntries } from './catchup.js';
import { daemonEntries } from './daemon.js';
import type { Entry } from './entry.js';
import { gitEntries } from './git.js';
import { gitSyncEntries } from './git-sync.js';
import { maintenanceEntries } from './maintenance.js';
import { moderationEntries } from './moderation.js';
import { pageEntries } from './page.js';
import { policyEntries } from './policy.js';
import { protocolEntries } from './protocol.js';
import { relayEntries } from './relay.js';
import { sharedRelayEntries } from './relay-shared.js';
import { remoteEntries } from './remote.js';
import { storeEntries } from './store.js';
import { syncEntries } from './sync.js';

/** The parts of the table, each about other limits. */
export const sections: readonly object[] = [
  protocolEntries,
  relayEntries,
  sharedRelayEntries,
  policyEntries,
  moderationEntries,
  syncEntries,
  remoteEntries,
  catchupEntries,
  gitEntries,
  maintenanceEntries,
  pageEntries,
  gitSyncEntries,
  storeEntries,
  daemonEntries,
];

/** How each limit is held by a test. A limit without an entry does not compile. */
export const table: Readonly<Record<LimitName, Entry>> = {
  ...protocolEntries,
  ...relayEntries,
  ...sharedRelayEntries,
  ...policyEntries,
  ...moderationEntries,
  ...syncEntries,
  ...remoteEntries,
  ...catchupEntries,
  ...gitEntries,
  ...maintenanceEntries,
  ...pageEntries,
  ...gitSyncEntries,
  ...storeEntries,
  ...daemonEntries,
};
