import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { AcceptedEvent } from '../../src/admission/admission.js';
import { MemoryBudget } from '../../src/lib/budgets/memory-budget.js';
import { Violations } from '../../src/lib/budgets/violations.js';
import { fixedSlice, TurnScheduler } from '../../src/lib/turns/turn-scheduler.js';
import { RequestQueue } from '../../src/relay/client/request-queue.js';
import { Subscribers } from '../../src/relay/delivery/subscribers.js';
import { Subscription } from '../../src/relay/delivery/subscription.js';
import { BlockPool } from '../../src/relay/frames/block-pool.js';
import { EventFrames, eventFrameBytes, eventPrefix } from '../../src/relay/frames/frames.js';
import { fixedRelaySettings, violationLimits } from '../../src/relay/settings.js';
import { WorkBudget } from '../../src/relay/work-budget.js';
import { FakeOutbox, plainEvent, sessionWorld } from '../relay/fakes.js';
import { serveRelay } from '../relay/served-relay.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { type Entry, many } from './entry.js';

const still = { monotonic: () => 0, after: () => () => {}, sleep: async () => {} };
const named = (name: string) => `relay/${name}.test.ts`;

/** The queue of the requests of a client; those that run never end. */
function requestQueue() {
  let running = 0;
  const turns: (() => void)[] = [];
  const scheduler = new TurnScheduler(still, fixedSlice(5), (task) => turns.push(task));
  const room = { full: false, waitForCapacity: async () => {} };
  const budget = new WorkBudget(still, fixedRelaySettings);
  const queue = new RequestQueue(
    scheduler,
    fixedRelaySettings,
    budget,
    room,
    () => {},
    () => {},
  );
  const push = (chars: number) =>
    queue.push({
      chars,
      run: () => {
        running += 1;
        return new Promise<void>(() => {});
      },
    });
  /** Lets all begin that may. */
  const started = () => {
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn();
    return running;
  };
  return { queue, push, started };
}

/** Whether a message that comes in these fragments is read by a relay, and told to be none. */
async function isRead(fragments: readonly string[]): Promise<boolean> {
  await using served = await serveRelay();
  const socket = new WebSocket(served.url);
  const answered = once(socket, 'message').then(() => true);
  const ended = once(socket, 'close').then(() => false);
  await once(socket, 'open');
  for (const [at, fragment] of fragments.entries())
    socket.send(fragment, { fin: at === fragments.length - 1 });
  const result = await Promise.race([answered, ended]);
  socket.terminate();
  return result;
}

const violations = (bytes: number, ms: number, times = 1) => {
  const noted = new Violations(still, violationLimits);
  return many(times, () => noted.note(bytes, ms)).every((isTooMuch) => !isTooMuch);
};

const accepted = (sequence: number, json = ''): AcceptedEvent => ({
  event: plainEvent(sequence),
  json,
  source: { type: 'direct' },
  stored: true,
  sequence,
});

/** Whether a subscription whose stored events are being sent holds back these live ones, by their length. */
function holdsBack(texts: readonly string[]): boolean {
  let isOpen = true;
  const budget = new MemoryBudget({ totalBytes: 1e9, groupBytes: 1e9, holderBytes: 1e9 });
  const memory = budget.holder(undefined, () => {}).open();
  const subscribers = new Subscribers({ takeDelivery: () => undefined });
  const subscription = new Subscription(
    'a',
    subscribers,
    memory,
    new FakeOutbox(),
    fixedRelaySettings,
    () => {
      isOpen = false;
    },
  );
  subscription.begin(0);
  for (const [at, text] of texts.entries()) {
    const live = accepted(at + 1, text);
    subscription.offer(live, new EventFrames(live));
  }
  return isOpen;
}

/** What clients send to the relay and make it hold. */
export const relayEntries = {
  clientMessageBytesMax: { edge: (bytes) => isRead(['x'.repeat(bytes)]) },
  clientEventsInFlightMax: {
    edge: async (events) => {
      const { client, admission, settle } = sessionWorld({ settings: { eventsPerMinuteMax: undefined } });
      admission.decide = () => new Promise(() => {});
      const { session, send } = client();
      for (let at = 0; at < events - 1; at += 1) send('EVENT', plainEvent(at));
      await settle();
      return !session.blocked;
    },
  },
  clientEventsInFlightBytesMax: {
    edge: async (bytes) => {
      const { client, admission, settle } = sessionWorld({ settings: { eventsPerMinuteMax: undefined } });
      admission.decide = () => new Promise(() => {});
      const { session } = client();
      const empty = JSON.stringify(['EVENT', plainEvent(1)]).length;
      const [pieces, last] = [8, bytes - 1];
      const sizes = many(pieces, (at) => Math.floor(last / pieces) + (at === 0 ? last % pieces : 0));
      for (const size of sizes)
        session.receive(JSON.stringify(['EVENT', plainEvent(1, { content: 'x'.repeat(size - empty) })]));
      await settle();
      return !session.blocked;
    },
  },
  createdAtAheadSecondsMax: { test: ['admission/failing-events.test.ts', 'is refused, from a $type source'] },
  clientSubscriptionsMax: {
    edge: async (subscriptions) => {
      const { client, settle } = sessionWorld();
      const { outbox, send } = client();
      for (let at = 0; at < subscriptions; at += 1) {
        send('REQ', `${at}`, { ids: [] });
        // Before too many of them wait for their turn.
        if (at % 32 === 0) await settle();
      }
      await settle();
      return outbox.ofType('CLOSED').length === 0;
    },
  },
  clientLongMessageChars: {
    pace: [named('hostile-requests'), 'of one client are read in the order in which they came'],
  },
  clientCostlyEventValues: {
    pace: [
      named('hostile-requests'),
      'and events that cost much are read when their sender has work left in its budget, and no others wait for that',
    ],
  },
  clientViolationsPerMinuteMax: { edge: (times) => violations(0, 0, times) },
  clientViolationBytesPerMinuteMax: { edge: (bytes) => violations(bytes, 0) },
  clientViolationMsPerMinuteMax: { edge: (ms) => violations(0, ms) },
  clientRefusalsPerViolation: {
    edge: (refusals) => {
      const noted = new Violations(still, violationLimits);
      for (let count = 1; count < violationLimits.perMinuteMax; count += 1) noted.note(0, 0);
      return many(refusals, () => noted.noteRefusal(0)).every((isTooMuch) => !isTooMuch);
    },
  },
  clientPieceBytes: {
    pace: [named('socket-reader'), 'is read at once, and what comes in one piece in later turns'],
  },
  clientPingsPerMinuteMax: {
    test: [named('relay-server'), 'ends the connection of a client that sends nothing but %s'],
  },
  clientQueriesRunningMax: {
    edge: (requests) => {
      const { push, started } = requestQueue();
      for (let at = 0; at < requests; at += 1) push(0);
      return started() === requests;
    },
  },
  clientRequestsQueuedMax: {
    edge: (requests) => {
      const { queue, push } = requestQueue();
      for (let at = 1; at < requests; at += 1) push(0);
      return !queue.blocked;
    },
  },
  clientRequestsQueuedCharsMax: {
    edge: (chars) => {
      const { queue, push } = requestQueue();
      push(chars - 1);
      return !queue.blocked;
    },
  },
  clientWorkUnitsPerSecond: {
    pace: [named('request-queue'), 'lets a client do some work at once, and so much a second'],
  },
  clientWorkUnitsMax: {
    edge: (units) => {
      const budget = new WorkBudget(new VirtualClock(), fixedRelaySettings);
      budget.spend(units - 1);
      return !budget.isSpent;
    },
  },
  filterEventsDefault: {
    test: [named('client-session'), 'answers a filter with %s with the right number of events'],
  },
  filterEventsMax: {
    test: [named('client-session'), 'answers a filter with %s with the right number of events'],
  },
  liveBufferEventsMax: { edge: (events) => holdsBack(many(events, () => '')) },
  liveBufferCharsMax: { edge: (chars) => holdsBack(['x'.repeat(chars)]) },
  sendBlockBytes: {
    pace: [
      named('send-buffer'),
      'keeps the order of shared frames, events of one client, and what is longer than a block',
    ],
  },
  sendBlocksKeptMax: {
    edge: (blocks) => {
      const pool = new BlockPool();
      const given = many(blocks, () => Buffer.alloc(1));
      for (const block of given) pool.give(block);
      const taken = new Set(many(blocks, () => pool.take()));
      return given.every((block) => taken.has(block));
    },
  },
  sharedFrameBytesMax: {
    edge: (bytes) => {
      const prefix = eventPrefix('a');
      const around = eventFrameBytes(prefix, Buffer.alloc(bytes)) - bytes;
      const frames = new EventFrames(accepted(1, 'x'.repeat(bytes - around)));
      const sent: Buffer[] = [];
      const outbox = { sendFrame: (frame: Buffer) => sent.push(frame), sendEvent: () => {} };
      for (let time = 0; time < 2; time += 1) frames.sendTo(outbox, 'a', prefix);
      return sent.length === 2 && sent[0] === sent[1];
    },
  },
  clientSendBytesHigh: {
    test: [named('relay-server'), 'streams more than fits in the send queue, to a client that reads'],
  },
  clientSendBytesLow: {
    pace: [named('relay-server'), 'streams more than fits in the send queue, to a client that reads'],
  },
  clientSendBytesMax: {
    test: [named('relay-server'), 'drops a client that does not read its live events, and serves the others'],
  },
  clientSendStalledMsMax: {
    test: [named('relay-server'), 'drops a client that stops reading in the middle of an answer'],
  },
  clientPingIntervalMs: {
    pace: [named('relay-server'), 'drops a client that answers no ping, and keeps one that does'],
  },
  socketChunkBytes: {
    pace: [named('client-memory'), 'takes about the memory that is counted, and gives it back'],
  },
  messageFragmentsMax: { edge: (fragments) => isRead(many(fragments, () => 'x')) },
  authAgeSecondsMax: { test: [named('client-authentication'), 'with %s is refused'] },
  clientPubkeysMax: {
    test: [
      named('client-authentication'),
      'takes several keys, up to a limit, and one signature is checked at a time',
    ],
  },
  compressionThresholdBytes: { pace: 'nothing more' },
  requestSliceMs: {
    pace: [named('hostile-requests'), 'take no more than a slice and a filter of a turn, whatever is asked'],
  },
  requestTurnUnits: {
    pace: [
      named('hostile-requests'),
      'do not hold up who asks to reconcile the same, though others keep their client waiting',
    ],
  },
} as const satisfies Record<string, Entry>;
