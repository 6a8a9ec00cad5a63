import type { Logger } from 'pino';
import { Following } from '../../../../src/daemon/nodes/following.js';
import { deferred, onAbort } from '../../../../src/lib/abort.js';
import type { Faults } from '../../../../src/lib/faults.js';
import { ReleaseStack } from '../../../../src/lib/release-stack.js';
import { type CompactionSettings, usualCompaction } from '../../../../src/store/log/compaction.js';
import type { Connect } from '../../../../src/store/postgres/database.js';
import { openPostgresStore } from '../../../../src/store/postgres/open-postgres-store.js';
import { type NodeNetwork, urlOf } from '../network/node-network.js';
import { startFollowerSide } from './follower-side.js';
import type { NodeClock } from './node-clock.js';
import type { Side } from './side.js';
import { startWriterSide } from './writer-side.js';

export type LifeParts = {
  readonly node: number;
  readonly secret: string;
  readonly clock: NodeClock;
  readonly logger: Logger;
  readonly faults: Faults;
  /** Of the snapshot. */
  readonly folder: string;
  readonly connect: Connect;
  readonly network: NodeNetwork;
  /** Told of whatever a node must never come to. */
  readonly report: (what: string) => void;
  /** Has clients served; returns the end of that. */
  readonly serve: (side: Side) => () => void;
};

/** So that a log of some hundred segments is compacted while others follow it. */
const compaction: CompactionSettings = {
  ...usualCompaction,
  recordsIdle: 30,
  segmentsIdle: 12,
  segmentsSpared: 24,
};

/**
 * One process of a node, from its start to its end: it follows the one that writes and takes over from it, as the daemon does.
 * Resolves when the signal has ended it, and rejects when it cannot go on: then it has let go of all.
 */
export async function liveAsNode(parts: LifeParts, signal: AbortSignal): Promise<void> {
  const { node, secret, clock, logger, folder, connect } = parts;
  await using stack = new ReleaseStack();
  const waiting = new Following({
    ...{ clock, logger, signal },
    follow: (writer) => startFollowerSide(parts, writer),
  });
  const reached = { url: urlOf(node), secret };
  const opened = await openPostgresStore(
    { path: folder, url: '', waitsForDisk: true, clock, reached, waiting, compaction },
    connect,
  );
  const { failed } = await startWriterSide(parts, opened, stack);
  const stopped = deferred<void>();
  using _ = onAbort(signal, () => stopped.resolve());
  await Promise.race([stopped.promise, failed]);
}
