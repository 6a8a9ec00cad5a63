import type { Admission } from '../../src/admission/admission.js';
import { limits } from '../../src/config/limits.js';
import type { Identity } from '../../src/nostr/keys.js';
import { parseInformation } from '../../src/sync/dial/information.js';
import type { RelayInformation } from '../../src/sync/dial/transport.js';
import { Authentication } from '../../src/sync/peer/authentication.js';
import { Channels } from '../../src/sync/peer/channels.js';
import { type DialParts, dialPeer } from '../../src/sync/peer/dial-peer.js';
import { FrameQueue } from '../../src/sync/peer/frame-queue.js';
import { PeerBehaviour } from '../../src/sync/peer/peer-behaviour.js';
import { relayLimits } from '../../src/sync/peer/relay-limits.js';
import { RemoteEventSubmitter } from '../../src/sync/peer/remote-event-submitter.js';
import { plainEvent } from '../relay/fakes.js';
import { roomyMemory } from '../support/roomy-memory.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';
import { type Entry, hex, many } from './entry.js';

const logger = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A remote that is watched; whether its connection is still open. */
function watched() {
  let isOpen = true;
  const clock = new VirtualClock();
  const behaviour = new PeerBehaviour({
    relay: 'wss://a.example',
    clock,
    logger,
    metrics: { violation: () => {} },
    close: () => {
      isOpen = false;
    },
  });
  return { behaviour, isOpen: () => isOpen, clock };
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

/** A relay whose document, and whose connection, take so long. */
async function dialled(informationMs: number, dialMs: number) {
  const clock = new VirtualClock();
  const dialer = {
    information: (_: unknown, attempt: AbortSignal) =>
      clock.sleep(informationMs, attempt).then(() => unknown),
    dial: (_: unknown, __: unknown, attempt: AbortSignal) =>
      clock.sleep(dialMs, attempt).then(() => ({ close: () => {} })),
  };
  const parts = { dialer, clock, logger, held: roomyMemory() } as unknown as DialParts;
  const { signal } = new AbortController();
  const dialling = dialPeer(parts, { url: 'wss://a.example' } as Parameters<typeof dialPeer>[1], signal);
  const found = dialling.catch(() => undefined);
  await clock.advance(informationMs + dialMs + 1);
  return await found;
}

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
  remotePieceBytes: {
    pace: ['sync/ws-dialer.test.ts', 'is read a piece at a time, in a slice of each turn of all remotes'],
  },
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
  remoteViolationWindowMs: {
    edge: async (ms) => {
      const { behaviour, isOpen, clock } = watched();
      for (let at = 0; at < limits.remoteViolationsMax; at += 1) behaviour.violation({ bytes: 0, ms: 0 });
      await clock.advance(ms - 1);
      behaviour.violation({ bytes: 0, ms: 0 });
      // All of them count together.
      return !isOpen();
    },
  },
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
  remoteDialMsMax: { edge: async (ms) => (await dialled(1, ms)) !== undefined },
  remoteInformationMsMax: {
    edge: async (ms) => (await dialled(ms, 1))?.information !== undefined,
  },
  remoteInformationBytesMax: {
    test: ['sync/ws-dialer.test.ts', 'is bounded in size, and no fault when there is none'],
  },
  remoteRequestMsMax: {
    test: [connections, 'is found by the time limit of its requests, though it answers pings'],
  },
  remoteNegentropyProbeMsMax: { pace: ['sync/negentropy-probe.test.ts', 'is asked by pages meanwhile'] },
  remoteNegentropyPatienceMs: { pace: ['sync/negentropy-probe.test.ts', 'is asked by pages meanwhile'] },
  remoteAuthMsMax: {
    edge: async (ms) => {
      const clock = new VirtualClock();
      const identity = { sign: () => ({ id: hex(1) }) } as unknown as Identity;
      const authentication = new Authentication({
        relay: 'wss://a.example',
        clock,
        identity,
        send: () => {},
      });
      const isIn = authentication.ensure().then(
        () => true,
        () => false,
      );
      authentication.onChallenge('x');
      await clock.advance(ms - 1);
      authentication.onOk({ type: 'OK', eventId: hex(1), accepted: true, reason: '' });
      return await isIn;
    },
  },
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
  liveTopicsMax: {
    test: [
      'sync/many-topics.test.ts',
      'has live subscriptions to a bounded number of them, however much it would take',
    ],
  },
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
} as const satisfies Record<string, Entry>;
