import { limits } from '../../src/config/limits.js';
import { type FilterCatchup, startCatchup, takeResult } from '../../src/sync/catchup/filter-catchup.js';
import { PageReader } from '../../src/sync/catchup/page-reader.js';
import type { FetchListener } from '../../src/sync/fetch/fetch-job.js';
import { Fetcher, type FetcherParts } from '../../src/sync/fetch/fetcher.js';
import { OldestFirst } from '../../src/sync/fetch/oldest-first.js';
import { UnservedIds } from '../../src/sync/fetch/unserved.js';
import { WantedIds } from '../../src/sync/fetch/wanted-ids.js';
import { RunLog } from '../../src/sync/report/run-log.js';
import { plainEvent } from '../relay/fakes.js';
import { roomyMemory } from '../support/roomy-memory.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';
import { type Entry, hex, many } from './entry.js';

const wantedIds = 'sync/wanted-ids.test.ts';
const catchup = 'sync/catchup-world.test.ts';

/** What catch-up makes of what relays have, and the events that are fetched by their ids. */
export const catchupEntries = {
  everythingTrialEventsMax: {
    test: [
      'sync/everything-trial.test.ts',
      'whether everything is worth asking for is told by what it brings, not by what comes live',
    ],
  },
  everythingTrialIdsMax: {
    test: [
      'sync/everything-trial.test.ts',
      'whether everything is worth asking for is told by what it brings, not by what comes live',
    ],
  },
  everythingDivisionsMax: {
    test: [
      'sync/everything.test.ts',
      'one that calls everything too broad, whatever the time, is asked by layers after a few stretches',
    ],
  },
  everythingRetryMs: { pace: 'nothing more' },
  downloadIdsMax: { pace: 'nothing more' },
  downloadHeldBytesMax: {
    edge: (bytes) => {
      let isHandedOn = false;
      const deliver = async () => {
        isHandedOn = true;
      };
      const answer = new OldestFirst(
        { turn: async () => {}, room: async () => {}, deliver },
        roomyMemory().open(),
      );
      answer.add({ ...plainEvent(1), tags: [], content: 'x'.repeat(bytes - 1) });
      return settle().then(() => !isHandedOn);
    },
  },
  downloadClaimMsMax: { pace: 'nothing more' },
  downloadTurnMsMax: { pace: 'nothing more' },
  downloadQueueIdsMax: {
    edge: async (ids) => {
      const peer = { relay: 'wss://a.example', held: roomyMemory(), limits: { messageBytes: 60_000 } };
      const fetcher = new Fetcher({ peer, clock: new VirtualClock() } as unknown as FetcherParts);
      const job = fetcher.begin({} as FetchListener, new AbortController().signal);
      let hasRoom = false;
      void job.add(many(ids, hex)).then(() => {
        hasRoom = true;
      });
      await settle();
      return hasRoom;
    },
  },
  unservedIdsMax: {
    edge: (count) => {
      const unserved = new UnservedIds(limits.unservedIdsMax, () => roomyMemory());
      for (let at = 0; at < count; at += 1) unserved.add(`${at}`);
      return unserved.has('0');
    },
  },
  catchupCutsMax: {
    edge: (cuts) => {
      const rules = { cutsMax: limits.catchupCutsMax, now: 1_700_000_000 };
      const [task] = startCatchup({ kinds: [1] }, 0, 'negentropy').pending;
      let found: FilterCatchup = { pending: [], cuts: 0 };
      for (let at = 0; task !== undefined && at < cuts; at += 1)
        found = takeResult(found, task, { type: 'too-many', cuts: [9] }, rules);
      // What was cut last stands in front.
      return found.pending[0]?.method === 'negentropy';
    },
  },
  pageEventsDefault: { pace: 'nothing more' },
  pageEventsMax: { pace: 'nothing more' },
  pageOverflowEventsMax: {
    edge: (events) => {
      const page = new PageReader({ kinds: [2] });
      const event = plainEvent(1);
      for (let at = 1; at < events; at += 1) page.take(event);
      return !page.isOverflowing;
    },
  },
  pagesMax: { test: [catchup, 'gives up a relay whose pages bring nothing that is kept, without end'] },
  pagesInVainMax: { test: [catchup, 'gives up a relay whose pages bring nothing that is kept, without end'] },
  catchupBatchMsMax: { pace: 'nothing more' },
  storedLaterIntervalMs: { pace: 'nothing more' },
  firstCatchupLogIntervalMs: {
    pace: [
      'sync/first-catchup.test.ts',
      'is told of now and then: what came, what is expected, and how long that takes',
    ],
  },
  catchupLogLinesMax: {
    edge: (gaps) => {
      let lines = 0;
      const say = () => {
        lines += 1;
      };
      const logger = { debug: say, info: say, warn: say, error: say };
      const log = new RunLog({
        ...{ trigger: 'daily', relay: 'wss://a.example', startedAt: 0, isIncremental: false },
        ...{ logger, metrics: { relays: { gap: () => {} } }, later: { counted: () => {} } },
      } as unknown as ConstructorParameters<typeof RunLog>[0]);
      for (let at = 0; at < gaps; at += 1) log.gap(plainEvent(at));
      return lines === gaps;
    },
  },
  wantedIdsMax: {
    edge: (ids) => {
      const wanted = new WantedIds({
        clock: new VirtualClock(),
        store: { has: () => false },
        directory: { repositoryAt: () => undefined },
        connected: () => [],
      });
      wanted.add(
        many(ids, (at) => `${at}`),
        undefined,
      );
      return wanted.size === ids;
    },
  },
  wantedRepositoriesMax: {
    test: [wantedIds, 'are so many at most, however many events name them, and are forgotten with the ids'],
  },
  wantedRepositoriesInAllMax: {
    test: [wantedIds, 'are so many at most, however many events name them, and are forgotten with the ids'],
  },
  wantedRelaysMax: { test: [wantedIds, 'are asked of a bounded number of relays, of others the next time'] },
  wantedFetchMsMax: { test: [wantedIds, 'are asked of the next relay when one is gone, or takes too long'] },
} as const satisfies Record<string, Entry>;
