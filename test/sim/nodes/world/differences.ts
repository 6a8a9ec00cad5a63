import type { Random } from '../../../../src/lib/random.js';
import type { NostrEvent } from '../../../../src/nostr/event.js';
import type { Filter } from '../../../../src/nostr/filter.js';
import type { EventStore } from '../../../../src/store/event-store.js';
import { openPostgresFollower } from '../../../../src/store/postgres/open-postgres-follower.js';
import type { VirtualClock } from '../../../support/virtual-clock.js';
import { DatabaseWay } from '../database/database-way.js';
import type { SharedDatabase } from '../database/shared-database.js';
import { NodeClock } from '../node/node-clock.js';
import type { Side } from '../node/side.js';

export type FreshParts = {
  readonly database: SharedDatabase;
  readonly world: VirtualClock;
  readonly random: Random;
  /** Where there is no snapshot. */
  readonly folder: string;
};

const filters: readonly (readonly Filter[])[] = [
  [{}],
  [{ kinds: [1621], limit: 7 }],
  [{ kinds: [5] }, { kinds: [30_023], limit: 3 }],
  [{ '#d': ['1'] }],
];

/** In what the nodes answer otherwise than a store that is built from the log alone, and a backup is. */
export async function differences(parts: FreshParts, sides: readonly Side[]): Promise<string[]> {
  const { database, world, random, folder } = parts;
  const clock = new NodeClock(world, random, 0);
  const connect = new DatabaseWay({ database, world, random }).connectFor(clock);
  const options = { path: folder, url: '', waitsForDisk: true, clock };
  await using fresh = await openPostgresFollower(options, connect);
  const found: string[] = [];
  const expected = await answersOf(fresh.store);
  for (const [at, { store, writing }] of sides.entries()) {
    const answers = await answersOf(store);
    for (const [filter, answer] of answers.entries())
      if (answer !== expected[filter])
        found.push(`node ${at} answers ${JSON.stringify(filters[filter])} otherwise than the log`);
    if (writing === undefined) continue;
    const ids = await idsOfImage(writing.opened);
    const stored = fresh.store.ids({}).sort();
    if (ids.join() !== stored.join())
      found.push(`a backup has ${ids.length} events, and the log ${stored.length}`);
  }
  return found;
}

async function answersOf(store: EventStore): Promise<string[]> {
  const answers: string[] = [];
  for (const all of filters) {
    const events: string[] = [];
    for await (const chunk of store.query(all)) events.push(...chunk.map(({ json }) => json));
    answers.push(`${store.count(all)} ${events.join()}`);
  }
  return answers;
}

async function idsOfImage({ image }: NonNullable<Side['writing']>['opened']): Promise<string[]> {
  const ids: string[] = [];
  if (image === undefined) return ids;
  await using taken = await image();
  for await (const events of taken.events())
    for (const event of events)
      ids.push(event === 'damaged' ? 'damaged' : (JSON.parse(event.toString()) as NostrEvent).id);
  return ids.sort();
}
