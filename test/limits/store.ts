import { backgroundTurns } from '../../src/config/background-turns.js';
import { limits } from '../../src/config/limits.js';
import { recordBytes } from '../../src/kernels/kernels.js';
import { createReferenceKernels } from '../../src/kernels/reference/kernels.js';
import { FaultyRows } from '../../src/store/faulty-rows.js';
import type { EventIndex } from '../../src/store/index/event-index.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { ReasonCounts } from '../../src/store/refused/reason-counts.js';
import { reasonClass } from '../../src/store/refused/reasons.js';
import { LocalSets } from '../../src/store/sets/local-sets.js';
import { plainEvent } from '../relay/fakes.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { type Entry, hex, many } from './entry.js';

const admission = 'admission/admission-pipeline.test.ts';
const sets = 'store/local-sets.test.ts';
const durability = 'store/level-durability.test.ts';

/** What the store and its sets hold, and what waits for verification and writes. */
export const storeEntries = {
  kernelSymbolsMax: {
    test: [
      'limits/lowered.test.ts',
      'a filter that asks for one value more than there may be is refused, and changes nothing',
    ],
  },
  liveSetsMax: { test: [sets, 'give way when there are too many, but not under a reader'] },
  liveSetRecordsMin: { test: [sets, 'that are small do not stand'] },
  liveSetsMemoryShareMax: {
    edge: async (share) => {
      const clock = new VirtualClock();
      const { store } = createMemoryStore({ clock });
      const records = limits.liveSetRecordsMin;
      for (let at = 0; at < records; at += 1) store.put(plainEvent(at));
      const bytesMax = (2 * records * recordBytes) / share;
      const memory = () => ({ bytesInUse: 0, bytesReserved: 0, bytesMax });
      const turns = backgroundTurns(clock, 'care');
      const local = new LocalSets(store, { ...createReferenceKernels(), memory }, turns);
      // Everything is worth it at once.
      const set = await local.open({}, Number.POSITIVE_INFINITY);
      set?.[Symbol.dispose]();
      return local.live === 1;
    },
  },
  localSetChangesMax: {
    test: ['store/known-set.test.ts', 'is made anew when more happened meanwhile than is kept'],
  },
  liveSetCandidatesMax: {
    edge: async (filters) => {
      const clock = new VirtualClock();
      const { store } = createMemoryStore({ clock });
      for (let at = 0; at < limits.liveSetRecordsMin; at += 1) store.put(plainEvent(at));
      const turns = backgroundTurns(clock, 'care');
      const local = new LocalSets(store, createReferenceKernels(), turns);
      const ask = async (at: number) => {
        const set = await local.open({ kinds: [1, 2 + at] }, Number.POSITIVE_INFINITY);
        set?.[Symbol.dispose]();
      };
      for (let at = 0; at < filters; at += 1) await ask(at);
      // The second time its set stands, where the first is remembered.
      await ask(0);
      return local.live === 1;
    },
  },
  verificationLaneBytesHigh: {
    pace: ['lib/lib.test.ts', 'is full from the high mark until it drained to the low mark'],
  },
  verificationLaneBytesLow: {
    pace: ['lib/lib.test.ts', 'is full from the high mark until it drained to the low mark'],
  },
  verificationLaneEventsMax: { pace: ['lib/lib.test.ts', 'is full at its number of items too'] },
  writingBytesMax: { test: [admission, 'of clients'] },
  writingRemoteBytesMax: { test: [admission, 'of relays, much sooner: a client is written next'] },
  verificationBatchEventsMax: { pace: 'nothing more' },
  verificationRemoteBatchEventsMax: {
    pace: [
      'admission/slices.test.ts',
      'fills batches with few events of relays, for what a client sends waits for those before it',
    ],
  },
  verificationBatchBytesMax: { pace: 'nothing more' },
  promptCheckMsPerMinute: {
    pace: [
      'admission/prompt-check.test.ts',
      'goes on when as much time has passed as it may take its share of',
    ],
  },
  promptCheckMsAtOnce: {
    pace: ['admission/prompt-check.test.ts', 'checks until its share of the time is used up, and no more'],
  },
  verificationBatchesPerWorker: { pace: 'nothing more' },
  verificationWorkerHeapMbMax: {
    unreached:
      'A batch has half a megabyte of events, and the one that makes it more; nothing of it stays in its thread.',
  },
  judgedEventsMax: { pace: 'nothing more' },
  storeQueryRowsPerTurn: {
    pace: [
      'store/refused-turns.test.ts',
      'looks at so many rows in a turn, and at those that are refused only where they are few',
    ],
  },
  storeQueryFoundRowsMax: { pace: 'nothing more' },
  storeReadEventsMax: { pace: 'nothing more' },
  storeReadBytesMax: { pace: 'nothing more' },
  storeCacheBytesMax: {
    test: ['store/body-cache.test.ts', 'keeps what is asked for again, and no more than it may'],
  },
  storeBatchEventsMax: {
    pace: [
      durability,
      'has each event that a write brought, also when what takes its place was not written any more',
    ],
  },
  storeBatchBytesMax: { pace: 'nothing more' },
  storeRefusedWriteDelayMs: { pace: 'nothing more' },
  storeCompactionBytesMax: { pace: 'nothing more' },
  storeCompactionPauseMs: { pace: 'nothing more' },
  storeFollowSegmentsMax: { pace: 'nothing more' },
  storeFollowBytesMax: {
    pace: ['store/followed-store.test.ts', 'takes a long log over in pieces, and each in turns'],
  },
  databaseConnectionsMax: { pace: 'nothing more' },
  databaseWritingConnectionsMax: {
    pace: ['store/postgres-store.test.ts', 'is written while slow reads have all connections for reading'],
  },
  databaseFollowingConnectionsMax: { pace: 'nothing more' },
  databaseConnectMsMax: { pace: 'nothing more' },
  databaseStatementMsMax: { pace: 'nothing more' },
  databaseAnswerMsMax: { pace: 'nothing more' },
  databaseRetryMsMin: { pace: 'nothing more' },
  databaseRetryMsMax: { pace: 'nothing more' },
  databaseWaitMsMax: {
    test: ['store/postgres-log.test.ts', 'is given up at the end when the database stays away'],
  },
  storeOutageLookMs: { pace: 'nothing more' },
  databaseSegmentsPerRead: { pace: 'nothing more' },
  databaseSegmentsSpared: {
    pace: [
      'store/compaction.test.ts',
      'leaves so many of the newest segments alone, and is not due again for what these hold',
    ],
  },
  leaseMs: { test: ['store/writer-lease.test.ts', 'is taken over when its holder is gone, and not before'] },
  leaseRenewMs: { pace: 'nothing more' },
  storeFaultsToldMax: {
    edge: (rows) => {
      let told = 0;
      const index = {
        rows: { sequence: (row: number) => row },
        removedEvent: () => ({}),
      } as unknown as EventIndex;
      const faulty = new FaultyRows(index, {
        keepsFaulty: true,
        onFault: () => {
          told += 1;
        },
      });
      for (let row = 0; row < rows; row += 1) faulty.isToGo(row, 'unreadable');
      faulty.isToGo(0, 'unreadable');
      return told === rows;
    },
  },
  storeOpenFilesMax: {
    pace: ['daemon/descriptors.test.ts', 'leave store, threads and process what they need, of %s'],
  },
  refusedIdsMax: {
    test: [
      'store/event-store-conformance.ts',
      'keeps the refused events below their limit: the oldest give way',
    ],
  },
  refusedTermsMax: {
    test: [
      'store/refused-terms.test.ts',
      'are bounded in sum: the oldest give way, each sort keeps its share',
    ],
  },
  refusedTermsPerEventMax: {
    edge: (terms) => {
      const { refused } = createMemoryStore({ clock: new VirtualClock() });
      // Beside author, kind, and both.
      const tags = many(terms - 3, (at) => ['e', hex(at)]);
      refused.add(plainEvent(1, { kind: 1, tags }), 'blocked: for a test');
      return refused.matching({ '#e': [hex(terms - 4)] }, { visits: 1 })?.length === 1;
    },
  },
  refusedForgottenAtOnceMax: {
    pace: [
      'store/forgetting-turns.test.ts',
      'are forgotten so many at once, and acceptable again in as many turns as that takes',
    ],
  },
  refusedRemovedShareMin: {
    test: [
      'store/event-store-conformance.ts',
      'keeps the refused events below their limit: the oldest give way',
    ],
  },
  refusedUnwantedShareMin: {
    test: [
      'store/event-store-conformance.ts',
      'keeps the refused events below their limit: the oldest give way',
    ],
  },
  refusedToldShareMin: {
    test: [
      'store/event-store-conformance.ts',
      'keeps the refused events below their limit: the oldest give way',
    ],
  },
  refusedReasonsCountedMax: {
    edge: (reasons) => {
      const counts = new ReasonCounts();
      for (const reason of many(reasons, (at) => `reason ${at}`)) counts.count(reason);
      return counts.list().every(({ reason }) => reason.startsWith('reason '));
    },
  },
  refusedReasonCharsMax: { edge: (chars) => reasonClass('x'.repeat(chars)).length === chars },
} as const satisfies Record<string, Entry>;
