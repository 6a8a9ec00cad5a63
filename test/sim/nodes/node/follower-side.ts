import { Registry } from 'prom-client';
import { backgroundTurns } from '../../../../src/config/background-turns.js';
import { FollowedFeed } from '../../../../src/daemon/nodes/followed-feed.js';
import type { Follower } from '../../../../src/daemon/nodes/follower.js';
import { FollowerMetrics } from '../../../../src/daemon/nodes/follower-metrics.js';
import { type WriterAddress, WriterLink } from '../../../../src/daemon/nodes/links/writer-link.js';
import { PublishedElsewhere } from '../../../../src/daemon/nodes/published-elsewhere.js';
import { ReleaseStack } from '../../../../src/lib/release-stack.js';
import { openPostgresFollower } from '../../../../src/store/postgres/open-postgres-follower.js';
import { urlOf } from '../network/node-network.js';
import type { LifeParts } from './node-life.js';
import { relayOf } from './relay-of.js';

/** Segments that a follower takes over at once, so that little makes several pieces. */
const segmentsPerPiece = 4;

/** Serves what another node writes: as `startFollower` does, without a port. */
export async function startFollowerSide(parts: LifeParts, writer: WriterAddress): Promise<Follower> {
  const stack = new ReleaseStack();
  try {
    return await start(parts, writer, stack);
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw error;
  }
}

async function start(parts: LifeParts, writer: WriterAddress, stack: ReleaseStack): Promise<Follower> {
  const { node, clock, faults, folder, connect, network, serve } = parts;
  const followed = stack.use(
    await openPostgresFollower(
      { path: folder, url: '', waitsForDisk: true, clock, segmentsPerPiece },
      connect,
    ),
  );
  const { store } = followed;
  const onServed = (sequence: number) => link.tellServed(sequence);
  const metrics = new FollowerMetrics(new Registry());
  const turns = backgroundTurns(clock, 'catch-up');
  const feed = new FollowedFeed({ followed, clock, faults, metrics, turns, onServed });
  const link = new WriterLink(writer, {
    url: urlOf(node),
    clock,
    faults,
    dial: (to) => network.dial(node, clock, to),
    onMessage(message) {
      if (message.type === 'written') feed.written(message.sequence);
      else if (message.type === 'ephemeral') feed.passOn(message.event);
    },
  });
  const admission = new PublishedElsewhere(link, feed);
  const relay = relayOf(parts, admission, store);
  stack.defer(() => {
    relay[Symbol.dispose]();
    link[Symbol.dispose]();
  });
  const stop = new AbortController();
  const run = feed.run(stop.signal);
  stack.defer(async () => {
    stop.abort();
    await run.catch(() => {});
  });
  const leave = serve({ relay, store, feed: feed.feed });
  stack.defer(leave);
  return {
    moveTo: (next) => link.moveTo(next),
    failed: run.then(() => new Promise<never>(() => {})),
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}
