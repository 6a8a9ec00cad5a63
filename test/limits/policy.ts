import { EventDates } from '../../src/admission/event-dates.js';
import { RecentRejects } from '../../src/admission/recent-rejects.js';
import { limits } from '../../src/config/limits.js';
import type { AddressLimits } from '../../src/lib/budgets/address-accounts.js';
import { eventBytes, type NostrEvent } from '../../src/nostr/event.js';
import { npubOf } from '../../src/nostr/keys.js';
import { KeyQuotas, type QuotaSettings } from '../../src/policy/key-quotas.js';
import { WaitingForRoom } from '../../src/policy/waiting-for-room.js';
import { AwaitedPullRequests } from '../../src/purgatory/awaited-pull-requests.js';
import { HeldCounts } from '../../src/purgatory/held-counts.js';
import { KeptAnswers } from '../../src/repositories/maintainers/kept-answers.js';
import { prsRepositoriesOf } from '../../src/repositories/prs-repositories.js';
import { MemoryJournal } from '../../src/store/journal.js';
import { announcement, world } from '../policy/world.js';
import { plainEvent } from '../relay/fakes.js';
import { accountsOf } from '../support/accounts.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { type Entry, hex, many } from './entry.js';

const still = { monotonic: () => 0, now: () => 0 };
const purgatory = 'purgatory/purgatory.test.ts';
const holding = 'admission/holding.test.ts';

/** An event that takes so many bytes. */
function eventOfBytes(bytes: number, fields: Partial<NostrEvent> = {}): NostrEvent {
  const event = plainEvent(1, { kind: 1618, ...fields });
  return { ...event, content: 'x'.repeat(bytes - eventBytes(event)) };
}

/** Whether the last of these events may be held, with the others. */
function isHeld(events: readonly NostrEvent[], addressGroup?: string): boolean {
  const counts = new HeldCounts({ keyHeldRepositoriesMax: 1_000, heldRepositoriesMax: 100_000 });
  const [last, ...others] = events.map((event) => ({ event, addressGroup }));
  for (const held of others) counts.add(held);
  return last !== undefined && counts.refusal(last, undefined) === undefined;
}

/** Events of so many bytes together: each of a key of its own, and as many bytes as that may have. */
function ofManyKeys(bytes: number): NostrEvent[] {
  const full = Math.floor((bytes - 1_000) / limits.heldKeyBytesMax);
  const sizes = [...many(full, () => limits.heldKeyBytesMax), bytes - full * limits.heldKeyBytesMax];
  return sizes.map((size, at) => eventOfBytes(size, { pubkey: hex(at) }));
}

const wide: QuotaSettings = {
  keyRepositoriesMax: 1_000,
  keyEventsMax: 250_000,
  keyBytesMax: 1_000_000_000,
  repositoriesMax: 100_000,
};

/** Whether a stranger may have one more deletion of so many bytes, where so many are here of these other keys. */
function isTakenOfStranger(
  others: number,
  bytes: number,
  keyOf: (at: number) => string,
  bytesOfEach = 1_024,
): boolean {
  const quotas = new KeyQuotas(wide);
  for (let at = 0; at < others; at += 1) quotas.add({ pubkey: keyOf(at), kind: 5, bytes: bytesOfEach });
  return quotas.refusal({ pubkey: hex(0), kind: 5, bytes }, false) === undefined;
}

const keys = many(5_001, hex);
const someStranger = (at: number) => keys[1 + (at % 5_000)] as string;

/** Whether so many uses of an account are taken. */
function uses(
  times: number,
  accountLimits: Partial<AddressLimits>,
  use: 'takeRequest' | 'takePush' | 'takeStrangerEvent',
) {
  const account = accountsOf(accountLimits, still).of('192.0.2.1');
  return many(times, () => account[use]()).every((refusal) => refusal === undefined);
}

function waitsFor(
  refs: number,
  repositoryOf: (at: number) => number,
  addressOf: (at: number) => string | undefined,
) {
  const awaited = new AwaitedPullRequests(new MemoryJournal(), still);
  // All but the last as the journal has them: each look for room goes through all of them.
  const of = (at: number) => ({
    repository: { pubkey: hex(1), identifier: `${repositoryOf(at)}` },
    eventId: hex(at),
    addressGroup: addressOf(at),
  });
  for (let at = 1; at < refs; at += 1) awaited.enter({ ...of(at), deadlineMs: 0 });
  const last = of(0);
  return 'written' in awaited.add(last.repository, last.eventId, last.addressGroup);
}

/** Whether an event about a repository is taken that has so many tags of a single letter. */
function isTakenWithTags(kind: number, tags: number): boolean {
  const { submit } = world();
  submit(announcement(hex(1), 'a'));
  const others = many(tags - 1, (at) => ['t', `${at}`]);
  return submit(plainEvent(1, { kind, tags: [['a', `30617:${hex(1)}:a`], ...others] })) === 'accept';
}

/** What policy, quotas, holding and moderation remember, and take of one key or address. */
export const policyEntries = {
  hotCacheBytesMax: {
    edge: (bytes) => {
      const rejects = new RecentRejects(new VirtualClock(), 1_000, limits.hotCacheBytesMax);
      rejects.add(eventOfBytes(bytes), { type: 'direct' });
      return rejects.size === 1;
    },
  },
  earlyEventsMax: {
    edge: (events) => {
      const dates = new EventDates(new VirtualClock());
      const relay = 'wss://a.example';
      return many(events, (at) => dates.remember(plainEvent(at), relay)).every((gone) => gone === undefined);
    },
  },
  waitingForRoomEventsMax: {
    edge: (events) => {
      const waiting = new WaitingForRoom(new KeyQuotas(wide));
      const need = { pubkey: hex(1), kind: 1, bytes: 1_024, replaces: false };
      const relay = 'wss://a.example';
      return many(events, (at) => waiting.add(`${at}`, need, relay)).every((gone) => gone === undefined);
    },
  },

  indexedTagsMax: { edge: (tags) => isTakenWithTags(1621, tags) },
  followListTagsMax: { edge: (tags) => isTakenWithTags(3, tags) },
  maintainerDepthMax: {
    test: ['policy/maintainers.test.ts', 'ends at its greatest depth, the same one in both directions'],
  },
  maintainerNamesMax: {
    test: [
      'policy/maintainers.test.ts',
      'ends behind so many names, nearest first, the same in both directions',
    ],
  },
  governedNamesMax: {
    test: [
      'policy/maintainer-walks.test.ts',
      'looks at a bounded number of names, and leaves out nobody for whom they do not suffice',
    ],
  },
  maintainersKeptMax: {
    edge: (keys) => {
      const kept = new KeptAnswers<Uint32Array>();
      const half = Math.floor(keys / 2);
      // Each counts as 64 keys beside its own.
      kept.of('first', 1, () => new Uint32Array(half - 64));
      kept.of('second', 1, () => new Uint32Array(keys - half - 64));
      let isFoundAgain = false;
      kept.of('first', 1, () => {
        isFoundAgain = true;
        return new Uint32Array();
      });
      return !isFoundAgain;
    },
  },
  prsCloneUrlsMax: {
    edge: (urls) => {
      const ours = `https://git.example.com/prs/${npubOf(hex(1))}/a.git`;
      const clone = ['clone', ...many(urls - 1, (at) => `https://a.example/${at}.git`), ours];
      const event = plainEvent(1, { kind: 1618, pubkey: hex(1), tags: [['a', `30617:${hex(2)}:a`], clone] });
      return prsRepositoriesOf(event, () => true).length === 1;
    },
  },
  addressLookupsMax: { test: ['policy/stored-relations.test.ts', 'are 1,000 at most'] },
  referringRowsMax: { test: ['policy/stored-relations.test.ts', 'is looked for among so many rows'] },
  unrelatedEventBytesMax: {
    edge: (bytes) => {
      const { store, submit } = world();
      store.put(plainEvent(2));
      return submit(eventOfBytes(bytes, { kind: 10317 })) === 'accept';
    },
  },
  strangerEventBytesMax: {
    edge: (bytes) => world().submit(eventOfBytes(bytes, { kind: 10317 })) === 'accept',
  },
  strangerEventsMax: { edge: (events) => isTakenOfStranger(events - 1, 1, () => hex(0)) },
  strangerBytesMax: { edge: (bytes) => isTakenOfStranger(0, bytes, someStranger) },
  strangersEventsMax: {
    test: [
      'policy/key-quotas.test.ts',
      'all strangers together have so many; known keys are not kept from deleting by that',
    ],
  },
  strangersBytesMax: {
    edge: (bytes) => isTakenOfStranger(1_023, bytes - 1_023 * 1_048_576, someStranger, 1_048_576),
  },
  addressStrangerEventsPerDayMax: {
    edge: (events) =>
      uses(events, { strangerEventsPerDayMax: limits.addressStrangerEventsPerDayMax }, 'takeStrangerEvent'),
  },
  addressRequestsPerMinuteMax: {
    edge: (requests) =>
      uses(requests, { requestsPerMinuteMax: limits.addressRequestsPerMinuteMax }, 'takeRequest'),
  },
  addressPushesPerMinuteMax: {
    edge: (pushes) => uses(pushes, { pushesPerMinuteMax: limits.addressPushesPerMinuteMax }, 'takePush'),
  },
  addressEventBytesPerMinuteMax: {
    edge: (bytes) => {
      const account = accountsOf({ eventBytesPerMinuteMax: limits.addressEventBytesPerMinuteMax }, still).of(
        '192.0.2.1',
      );
      account.takeEvent(bytes - 1);
      return account.takeEvent(1) === undefined;
    },
  },
  addressEventBytesPerIndexedTag: {
    pace: [
      'relay/client-session.test.ts',
      'counts a tag of a single letter as so many bytes of what its address publishes',
    ],
  },
  addressBytesPerMinuteMax: {
    edge: (bytes) => {
      const account = accountsOf({ bytesPerMinuteMax: limits.addressBytesPerMinuteMax }, still).of(
        '192.0.2.1',
      );
      account.addBytes(bytes - 1);
      return account.takeRequest() === undefined;
    },
  },
  addressFailedAuthorizationsPerMinuteMax: {
    edge: (calls) => {
      const failed = limits.addressFailedAuthorizationsPerMinuteMax;
      const account = accountsOf({ failedAuthorizationsPerMinuteMax: failed }, still).of('192.0.2.1');
      for (let at = 1; at < calls; at += 1) account.authorizationFailed();
      return account.authorizationRefusal() === undefined;
    },
  },
  addressAccountsMax: {
    test: ['lib/address-accounts.test.ts', 'are bounded beside those that are connected'],
  },

  heldMsMax: { test: [purgatory, 'is half an hour, and begins anew with what is waited for'] },
  heldExaminationMsMax: {
    test: [holding, 'is answered after a while where the look takes long, and stored when it ends'],
  },
  heldRenewalMsMin: { test: [purgatory, 'is written down, and not each time'] },
  heldKeyEventsMax: { edge: (events) => isHeld(many(events, () => plainEvent(1))) },
  heldKeyBytesMax: { edge: (bytes) => isHeld([eventOfBytes(bytes)]) },
  heldAddressEventsMax: {
    edge: (events) =>
      isHeld(
        many(events, (at) => plainEvent(1, { pubkey: hex(at % 100) })),
        '192.0.2.1',
      ),
  },
  heldAddressBytesMax: { edge: (bytes) => isHeld(ofManyKeys(bytes), '192.0.2.1') },
  heldAddressRepositoriesMax: {
    edge: (repositories) =>
      isHeld(
        many(repositories, (at) => plainEvent(1, { kind: 30617, pubkey: hex(at) })),
        '192.0.2.1',
      ),
  },
  heldEventsMax: {
    edge: (events) => {
      const ofKeys = many(1_000, (at) => plainEvent(1, { pubkey: hex(at) }));
      return isHeld(many(events, (at) => ofKeys[at % 1_000] as NostrEvent));
    },
  },
  heldBytesMax: { edge: (bytes) => isHeld(ofManyKeys(bytes)) },
  heldRelativesMax: { test: [purgatory, 'are a number of those that name it, and all that it names first'] },
  lapsedAnnouncementMsMax: { test: [purgatory, 'is remembered for a day, across restarts'] },
  lapsedAnnouncementBytesMax: {
    test: [purgatory, 'gives way to younger ones where they take too many bytes'],
  },
  awaitedPullRequestMsMax: {
    test: [purgatory, 'is waited for for 20 minutes, across restarts, and forgotten when told'],
  },
  awaitedPerRepositoryMax: {
    edge: (refs) =>
      waitsFor(
        refs,
        () => 1,
        (at) => `192.0.2.${at}`,
      ),
  },
  awaitedPerAddressMax: {
    edge: (refs) =>
      waitsFor(
        refs,
        (at) => at,
        () => '192.0.2.1',
      ),
  },
  awaitedMax: {
    edge: (refs) =>
      waitsFor(
        refs,
        (at) => at,
        () => undefined,
      ),
  },
} as const satisfies Record<string, Entry>;
