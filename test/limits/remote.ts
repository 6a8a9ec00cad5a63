import type { Admission } from '../../src/admission/admission.js';
import { limits } from '../../src/config/limits.js';
import { eventBytes } from '../../src/nostr/event.js';
import { PageReader } from '../../src/sync/catchup/page-reader.js';
import { parseInformation } from '../../src/sync/dial/information.js';
import type { RelayInformation } from '../../src/sync/dial/transport.js';
import { OldestFirst } from '../../src/sync/fetch/oldest-first.js';
import { UnservedIds } from '../../src/sync/fetch/unserved.js';
import { WantedIds } from '../../src/sync/fetch/wanted-ids.js';
import { Channels } from '../../src/sync/peer/channels.js';
import { FrameQueue } from '../../src/sync/peer/frame-queue.js';
import { PeerBehaviour } from '../../src/sync/peer/peer-behaviour.js';
import { relayLimits } from '../../src/sync/peer/relay-limits.js';
import { RemoteEventSubmitter } from '../../src/sync/peer/remote-event-submitter.js';
import { plainEvent } from '../relay/fakes.js';
import { roomyMemory } from '../support/roomy-memory.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';
import { type Entry, many } from './entry.js';

const logger = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A remote that is watched; whether its connection is still open. */
function watched() {
  let isOpen = true;
  const behaviour = new PeerBehaviour({
    relay: 'wss://a.example',
    clock: new VirtualClock(),
    logger,
    metrics: { violation: () => {} },
    close: () => {
      isOpen = false;
    },
  });
  return { behaviour, isOpen: () => isOpen };
}

function violates(times: number, bytes: number, ms: number): boolean {
  const { behaviour, isOpen } = watched();
  for (let at = 0; at < times; at += 1) behaviour.violation({ bytes, ms });
  return isOpen();
}

/** Whether the socket of a remote is read while these messages wait. */
function isRead(frames: readonly string[]): boolean {
  let isPaused = false;
  const queue = new FrameQueue(roomyMemory().open());
  queue.attach({
    pause: () => {
      isPaused = true;
    },
  });
  for (const frame of frames) queue.push(frame);
  return !isPaused;
}

function submitter(submit: Admission['submit']) {
  const failed: string[] = [];
  const made = new RemoteEventSubmitter({
    admission: { submit, waitForCapacity: async () => {} } as unknown as Admission,
    relay: 'wss://a.example',
    logger,
    onFailure: () => {},
    onFailedEvents: (ids) => failed.push(...ids),
    onForged: () => {},
  });
  return { made, failed };
}

/** What a relay says that says nothing of its limits. */
const unknown = parseInformation('{}') as RelayInformation;

const wantedIds = 'sync/wanted-ids.test.ts';

const catchup = 'sync/catchup-world.test.ts';

const connections = 'sync/connections.test.ts';

const live = 'sync/live.test.ts';

/** What one relay sends when it is asked. */
export const remoteEntries = {
  remoteFailedEventsMax: {
    edge: async (events) => {
      const { made, failed } = submitter(
        async () => ({ type: 'failed' }) as Awaited<ReturnType<Admission['submit']>>,
      );
      for (let at = 1; at < events; at += 1) await made.deliver(plainEvent(at), 'catchup');
      return failed.length === 0;
    },
  },
  remoteSubscriptionsDefault: {
    pace: [
      connections,
      '≤ 8 open subscriptions, ≤ 10 filters in one, ≤ 60 KB a message, one session, where there is none',
    ],
  },
  remoteFiltersDefault: {
    pace: [
      connections,
      '≤ 8 open subscriptions, ≤ 10 filters in one, ≤ 60 KB a message, one session, where there is none',
    ],
  },
  remoteMessageBytesDefault: {
    pace: [
      connections,
      '≤ 8 open subscriptions, ≤ 10 filters in one, ≤ 60 KB a message, one session, where there is none',
    ],
  },
  remoteMessageBytesMax: {
    edge: (maxMessageBytes) => relayLimits({ ...unknown, maxMessageBytes }).messageBytes === maxMessageBytes,
  },
  remoteBatchesMax: { pace: 'nothing more' },
  remoteRequestsMax: {
    edge: (requests) => relayLimits({ ...unknown, maxSubscriptions: 4 * requests }).requests === requests,
  },
  remoteNegentropySessionsMax: {
    edge: (sessions) =>
      relayLimits({ ...unknown, maxSubscriptions: 5 * sessions }).negentropySessions === sessions,
  },
  remoteFrameBytesMax: { test: ['sync/ws-dialer.test.ts', 'drops a remote whose message is too long'] },
  remoteQueueBytesHigh: { edge: (chars) => isRead(['x'.repeat(chars - 1)]) },
  remoteQueueBytesLow: {
    pace: [
      'sync/held-memory.test.ts',
      'a relay that is not read for want of memory is read again as its messages are dealt with',
    ],
  },
  remoteMessageFreeBytes: { pace: 'nothing more' },
  remoteQueueFramesMax: { edge: (frames) => isRead(many(frames - 1, () => '')) },
  remoteSendBytesHigh: { pace: 'nothing more' },
  remoteEventsInFlightMax: {
    edge: async (events) => {
      const { made } = submitter(() => new Promise(() => {}));
      for (let at = 1; at < events; at += 1) void made.deliver(plainEvent(at), 'catchup');
      let hasRoom = false;
      void made.room('catchup').then(() => {
        hasRoom = true;
      });
      await settle();
      return hasRoom;
    },
  },
  remoteViolationsMax: { edge: (times) => violates(times, 0, 0) },
  remoteViolationBytesMax: { edge: (bytes) => violates(1, bytes, 0) },
  remoteViolationMsMax: { edge: (ms) => violates(1, 0, ms) },
  remoteViolationWindowMs: { pace: 'nothing more' },
  remoteClosedChannelsMax: {
    edge: (count) => {
      const channels = new Channels({
        send: () => {},
        clock: new VirtualClock(),
      } as unknown as ConstructorParameters<typeof Channels>[0]);
      const opened = many(count, () => channels.open('a', {} as Parameters<Channels['open']>[1]));
      for (const channel of opened) channels.close(channel);
      return channels.mayStillHear(opened[0]?.id ?? '');
    },
  },
  remoteDialMsMax: { pace: 'nothing more' },
  remoteInformationMsMax: { pace: 'nothing more' },
  remoteInformationBytesMax: {
    test: ['sync/ws-dialer.test.ts', 'is bounded in size, and no fault when there is none'],
  },
  remoteRequestMsMax: {
    test: [connections, 'is found by the time limit of its requests, though it answers pings'],
  },
  remoteNegentropyProbeMsMax: { pace: ['sync/negentropy-probe.test.ts', 'is asked by pages meanwhile'] },
  remoteNegentropyPatienceMs: { pace: ['sync/negentropy-probe.test.ts', 'is asked by pages meanwhile'] },
  remoteAuthMsMax: { pace: 'nothing more' },
  remotePingIntervalMs: { pace: [connections, 'is found by ping'] },
  remoteSilenceMsMax: { test: [connections, 'is found by ping'] },
  remoteSilentRequestsMax: {
    edge: (requests) => {
      const { behaviour, isOpen } = watched();
      for (let at = 1; at < requests; at += 1) behaviour.unanswered(0);
      return isOpen();
    },
  },
  remoteSlowDownMs: { pace: [connections, 'a request that was limited is sent again after the pause'] },
  liveStableMsMin: { pace: [connections, 'which is opened again after a backoff, and caught up'] },
  liveKindsTrialEvents: {
    pace: [
      live,
      'a filter by kind that brings little that is wanted here is given up for a day, the others not',
    ],
  },
  liveKindsWantedShareMin: {
    pace: [
      live,
      'a filter by kind that brings little that is wanted here is given up for a day, the others not',
    ],
  },
  liveKindsRetryMs: {
    pace: [
      live,
      'a filter by kind that brings little that is wanted here is given up for a day, the others not',
    ],
  },

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
      const event = plainEvent(1);
      answer.add({ ...event, content: 'x'.repeat(bytes - 1 - eventBytes(event)) });
      return settle().then(() => !isHandedOn);
    },
  },
  downloadClaimMsMax: { pace: 'nothing more' },
  downloadTurnMsMax: { pace: 'nothing more' },
  downloadQueueIdsMax: { pace: 'nothing more' },
  unservedIdsMax: {
    edge: (count) => {
      const unserved = new UnservedIds(limits.unservedIdsMax, () => roomyMemory());
      for (let at = 0; at < count; at += 1) unserved.add(`${at}`);
      return unserved.has('0');
    },
  },
  catchupCutsMax: { pace: 'nothing more' },
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
  catchupLogLinesMax: { pace: 'nothing more' },
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
