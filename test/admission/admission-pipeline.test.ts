import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { AcceptedEvent, EventSource } from '../../src/admission/admission.js';
import { AdmissionMetrics } from '../../src/admission/admission-metrics.js';
import { AdmissionPipeline } from '../../src/admission/admission-pipeline.js';
import { AdmissionClosedError } from '../../src/admission/errors.js';
import type { Verdict, VerifiedBatch, Verifier } from '../../src/admission/verification/verifier.js';
import { limits } from '../../src/config/limits.js';
import { deferred } from '../../src/lib/abort.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { eventHash } from '../../src/nostr/event.js';
import { accept, type Effect, reject } from '../../src/policy/decision.js';
import type { WritePolicy } from '../../src/policy/write-policy.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { VirtualClock } from '../support/virtual-clock.js';

const direct: EventSource = { type: 'direct' };
const relayA: EventSource = { type: 'catchup', relay: 'wss://a.example' };
const relayB: EventSource = { type: 'live_sync', relay: 'wss://b.example' };
const author = '1'.repeat(64);
let serial = 0;

/** An event with its true id; its signature is one that the verifier of these tests takes. */
function nextEvent(template: Partial<NostrEvent> = {}): NostrEvent {
  serial += 1;
  const event: NostrEvent = {
    id: '',
    pubkey: author,
    created_at: 1_700_000_000 + serial,
    kind: 1,
    tags: [],
    content: '',
    sig: 'f'.repeat(128),
    ...template,
  };
  return { ...event, id: eventHash(event) };
}

const forged = (event: NostrEvent): NostrEvent => ({ ...event, sig: '0'.repeat(128) });

/** Judges by looks: a signature of zeros is wrong. Holds its answers back while `gate` is closed. */
class GatedVerifier implements Verifier {
  readonly batchesMax = 2;
  verified: NostrEvent[] = [];
  #gate = deferred<void>();

  constructor() {
    this.#gate.resolve();
  }

  shut(): void {
    this.#gate = deferred();
  }

  open(): void {
    this.#gate.resolve();
  }

  async verify(events: readonly NostrEvent[]): Promise<VerifiedBatch> {
    this.verified.push(...events);
    await this.#gate.promise;
    const verdicts = events.map((event): Verdict => {
      if (eventHash(event) !== event.id) return 'wrong-id';
      return event.sig === '0'.repeat(128) ? 'wrong-signature' : 'valid';
    });
    return { verdicts };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Accepts what carries `ok`, and a `wants` tag once the event that it names is stored; prechecks `never`. */
class TestPolicy implements WritePolicy {
  stored: string[] = [];
  removed: string[] = [];
  precheck(event: NostrEvent): string | undefined {
    return event.content === 'never' ? 'blocked: never' : undefined;
  }
  decide(event: NostrEvent) {
    const wanted = event.tags.find(([name]) => name === 'e')?.[1];
    if (wanted !== undefined && !this.stored.includes(wanted)) return reject('blocked: not yet');
    return accept();
  }
  onStored(event: NostrEvent): void {
    this.stored.push(event.id);
  }
  onRemoved(removed: readonly { readonly id: string }[]): readonly Effect[] {
    this.removed.push(...removed.map(({ id }) => id));
    return [];
  }
  retryCandidates(event: NostrEvent) {
    return [{ '#e': [event.id] }];
  }
}

let clock: VirtualClock;
let verifier: GatedVerifier;
let policy: TestPolicy;
let admission: AdmissionPipeline;
let accepted: AcceptedEvent[];
let wanted: string[];
let parts: OpenedStore;
let hasRoom: boolean;
let registry: Registry;
let failures: { readonly event: string }[];
let effectsRun: Effect[];

beforeEach(() => {
  clock = new VirtualClock();
  verifier = new GatedVerifier();
  policy = new TestPolicy();
  parts = createMemoryStore({ clock });
  hasRoom = true;
  registry = new Registry();
  failures = [];
  effectsRun = [];
  admission = new AdmissionPipeline({
    store: parts.store,
    refused: parts.refused,
    policy,
    verifier,
    clock,
    metrics: new AdmissionMetrics(registry),
    log: { error: (details) => failures.push(details as { event: string }) },
    hotCacheDurationMs: 120_000,
    hasRoom: () => hasRoom,
    effects: { run: (effects) => effectsRun.push(...effects) },
    onStoreFailure: () => {},
  });
  accepted = [];
  wanted = [];
  admission.feed.onAccepted((event) => accepted.push(event));
  admission.onWanted((ids) => {
    for (const id of ids) wanted.push(id);
  });
});

/** Lets everything that is under way settle: the store's group commit waits on the virtual clock. */
async function outcomeOf(event: NostrEvent, source: EventSource) {
  const outcome = admission.submit(event, source);
  await clock.advance(100);
  return await outcome;
}

describe('cheapest checks first', () => {
  it('verifies neither what is stored nor what policy cannot want', async () => {
    const event = nextEvent();
    expect(await outcomeOf(event, direct)).toEqual({ type: 'stored' });
    expect(await outcomeOf(event, relayA)).toEqual({
      type: 'known',
      reason: 'duplicate: already have this event',
    });
    expect((await outcomeOf(nextEvent({ content: 'never' }), direct)).type).toBe('refused');
    expect(verifier.verified).toHaveLength(1);
  });

  it('verifies neither superseded, deleted nor expired events, and remembers them', async () => {
    const newer = nextEvent({ kind: 0 });
    const older = nextEvent({ kind: 0, created_at: 5 });
    const target = nextEvent();
    const deletion = nextEvent({ kind: 5, tags: [['x'], ['e', target.id]] });
    policy.stored.push(target.id);
    await outcomeOf(newer, relayA);
    await outcomeOf(deletion, relayA);
    verifier.verified = [];
    expect((await outcomeOf(older, relayA)).type).toBe('superseded');
    expect((await outcomeOf(target, relayA)).type).toBe('refused');
    expect((await outcomeOf(nextEvent({ tags: [['expiration', '1']] }), relayA)).type).toBe('refused');
    expect(verifier.verified).toHaveLength(0);
    expect(parts.refused.reasonFor(older.id)).toBe('superseded');
    expect(parts.refused.reasonFor(target.id)).toBe('deleted');
  });

  it('does not look twice at what a remote sent and policy refused', async () => {
    const event = nextEvent({ tags: [['e', 'f'.repeat(64)]] });
    await outcomeOf(event, relayA);
    expect(await outcomeOf(event, relayB)).toEqual({ type: 'refused', reason: 'blocked: not yet' });
    expect(verifier.verified).toHaveLength(0);
  });
});

describe('what a client is told of what is not stored', () => {
  const at = (created_at: number, content = '') =>
    nextEvent({ kind: 30_617, created_at, content, tags: [['d', 'x']] });

  it('the very event again is known, an older version and one that loses the tie are superseded', async () => {
    const [low, high] = [at(7, 'a'), at(7, 'b')].sort((a, b) => (a.id < b.id ? -1 : 1)) as [
      NostrEvent,
      NostrEvent,
    ];
    expect(await outcomeOf(low, direct)).toEqual({ type: 'stored' });
    expect((await outcomeOf(low, direct)).type).toBe('known');
    const superseded = { type: 'superseded', reason: 'duplicate: have a newer version of this event' };
    for (const event of [high, at(6)]) {
      // The same, however often it is asked for.
      expect(await outcomeOf(event, direct)).toEqual(superseded);
      expect(await outcomeOf(event, direct)).toEqual(superseded);
    }
    expect(parts.store.size).toBe(1);
  });

  it('what is found damaged is removed for everybody, and no repository is closed for it', async () => {
    const damaged = { id: 'd'.repeat(64), kind: 30_617, pubkey: author, created_at: 1, bytes: 512 };
    const effect: Effect = { type: 'align-repository', pubkey: author, identifier: 'a' };
    const told: string[] = [];
    vi.spyOn(policy, 'onRemoved').mockImplementation((removed) =>
      removed.map(({ id }) => {
        told.push(id);
        return effect;
      }),
    );
    admission.feed.onRemoved(({ removed }) => told.push(...removed.map(({ id }) => id)));
    vi.spyOn(parts.store, 'removeExpired').mockReturnValueOnce({
      removed: [],
      lost: [damaged],
      acceptable: [],
      written: Promise.resolve(),
    });
    await admission.sweep();
    expect(told).toEqual([damaged.id, damaged.id]);
    expect(effectsRun).toEqual([]);
    vi.restoreAllMocks();
  });

  it('what expires at once is told of a piece at a time', async () => {
    const events = Array.from({ length: 2 * limits.departuresToldAtOnceMax + 1 }, (_, number) => ({
      ...{ id: number.toString(16).padStart(64, '0'), kind: 1, pubkey: author, created_at: 1, bytes: 512 },
    }));
    vi.spyOn(parts.store, 'removeExpired').mockReturnValueOnce({
      ...{ removed: events, lost: events.slice(0, 1), acceptable: events.map(({ id }) => id) },
      written: Promise.resolve(),
    });
    const [told, asked]: number[][] = [[], []];
    admission.feed.onRemoved(({ removed }) => told!.push(removed.length));
    admission.onWanted((ids) => asked!.push(ids.length));
    await admission.sweep();
    const sizes = [limits.departuresToldAtOnceMax, limits.departuresToldAtOnceMax, 1];
    expect([told, asked]).toEqual([[...sizes, 1], sizes]);
    expect(policy.removed).toEqual([...events, events[0]!].map(({ id }) => id));
    vi.restoreAllMocks();
  });

  it('what expires while it is judged is invalid, and is not taken for stored', async () => {
    const now = clock.now();
    const event = nextEvent({ content: 'ok', tags: [['expiration', `${Math.floor(now / 1000) + 1}`]] });
    const later = vi.spyOn(policy, 'decide').mockImplementation(() => {
      vi.spyOn(clock, 'now').mockReturnValue(now + 1_000);
      return accept();
    });
    expect(await outcomeOf(event, direct)).toEqual({
      type: 'refused',
      reason: 'invalid: this event has expired',
    });
    expect(later).toHaveBeenCalledOnce();
    expect(policy.stored).toEqual([]);
    vi.restoreAllMocks();
  });

  it('what has expired is invalid, also when it is ephemeral', async () => {
    for (const kind of [1, 20_001]) {
      const event = nextEvent({ kind, tags: [['expiration', '1']] });
      expect(await outcomeOf(event, direct)).toEqual({
        type: 'refused',
        reason: 'invalid: this event has expired',
      });
    }
    expect(accepted).toEqual([]);
  });
});

describe('without room on the disk', () => {
  it('takes no event of a client that would be stored, answers all others, and recovers', async () => {
    const newer = nextEvent({ kind: 0 });
    await outcomeOf(newer, direct);
    hasRoom = false;
    const event = nextEvent();
    expect(await outcomeOf(event, direct)).toEqual({
      type: 'failed',
      reason: expect.stringMatching(/^error: the disk of this relay is full/),
    });
    expect(verifier.verified).not.toContain(event);
    expect((await outcomeOf(newer, direct)).type).toBe('known');
    expect((await outcomeOf(nextEvent({ kind: 0, created_at: 5 }), direct)).type).toBe('superseded');
    expect((await outcomeOf(nextEvent({ content: 'never' }), direct)).type).toBe('refused');
    expect((await outcomeOf(nextEvent({ kind: 20_001 }), direct)).type).toBe('ephemeral');
    // Sync ends its connections; what is on its way is still stored, so that no relay is blamed for it.
    expect((await outcomeOf(nextEvent(), relayA)).type).toBe('stored');
    hasRoom = true;
    expect(await outcomeOf(event, direct)).toEqual({ type: 'stored' });
  });
});

describe('the order of the checks', () => {
  /** What is looked at for one event of a remote, in order, until it is written. */
  async function looksFor(event: NostrEvent): Promise<string[]> {
    const looks: string[] = [];
    const watch = <Target extends object>(target: Target, method: keyof Target & string, name: string) => {
      const original = target[method] as (...args: unknown[]) => unknown;
      vi.spyOn(target as Record<string, () => unknown>, method).mockImplementation((...args: unknown[]) => {
        if (looks.at(-1) !== name && looks.at(-1) !== 'write') looks.push(name);
        return original.apply(target, args);
      });
    };
    watch(parts.store, 'preview', 'known or not kept');
    watch(parts.refused, 'reasonFor', 'refused');
    watch(policy, 'precheck', 'policy');
    watch(policy, 'decide', 'policy');
    watch(verifier, 'verify', 'signature');
    watch(parts.store, 'put', 'write');
    await outcomeOf(event, relayA);
    vi.restoreAllMocks();
    return looks;
  }

  it('known, refused, not kept, policy, then signature', async () => {
    const event = nextEvent();
    const early = ['known or not kept', 'refused', 'policy'];
    expect(await looksFor(event)).toEqual([...early, 'signature', 'known or not kept', 'policy', 'write']);
    expect(await looksFor(event)).toEqual(['known or not kept']);
    const unwanted = nextEvent({ content: 'never' });
    expect(await looksFor(unwanted)).toEqual(early);
    expect(await looksFor(unwanted)).toEqual(['known or not kept', 'refused']);
    const expired = nextEvent({ content: 'never', tags: [['expiration', '1']] });
    expect(await looksFor(expired)).toEqual(['known or not kept', 'refused']);
  });
});

describe('strings that are no UTF-8', () => {
  it('are invalid, from clients and from remotes, which are not asked for them again', async () => {
    const reason = expect.stringMatching(/^invalid: /);
    for (const template of [{ content: 'a\ud800b' }, { tags: [['t', 'x\udc00']] }]) {
      const event = nextEvent(template);
      expect(await admission.submit(event, direct)).toEqual({ type: 'refused', reason });
      expect(await admission.submit(event, relayA)).toEqual({ type: 'refused', reason });
      expect(parts.refused.reasonFor(event.id)).toMatch(/^invalid: /);
    }
    expect(verifier.verified).toEqual([]);
    expect(await admission.submit(nextEvent({ content: 'a\ud83d\ude00b' }), direct)).toEqual({
      type: 'stored',
    });
  });
});

describe('protected events (NIP-70)', () => {
  it('are not taken from remotes, nor reposts of them, and are from whom the relay let publish', async () => {
    const event = nextEvent({ tags: [['-']] });
    const repost = nextEvent({ kind: 6, content: JSON.stringify(event) });
    const reason = 'blocked: a protected event is taken from its author only';
    for (const refused of [event, repost, event]) {
      expect(await admission.submit(refused, relayA)).toEqual({ type: 'refused', reason });
    }
    expect(verifier.verified).toEqual([]);
    expect(await admission.submit(event, direct)).toEqual({ type: 'stored' });
    expect(await admission.submit(event, relayB)).toMatchObject({ type: 'known' });
  });
});

describe('forged events condemn nothing', () => {
  it('a wrong signature is refused and not remembered', async () => {
    const event = nextEvent();
    expect(await outcomeOf(forged(event), relayA)).toEqual({
      type: 'refused',
      reason: 'invalid: the signature is wrong',
    });
    expect(await outcomeOf(event, relayB)).toEqual({ type: 'stored' });
  });

  it('a good copy that comes while a forged one is checked is stored', async () => {
    const event = nextEvent();
    verifier.shut();
    const outcomes = [admission.submit(forged(event), relayA), admission.submit(event, relayB)];
    verifier.open();
    await clock.advance(100);
    expect((await Promise.all(outcomes)).map(({ type }) => type)).toEqual(['refused', 'stored']);
  });

  it.each([
    ['another signature', { sig: '0'.repeat(128) }],
    ['other content', { content: 'forged' }],
    ['another author', { pubkey: '2'.repeat(64) }],
    ['another date', { created_at: 5 }],
    ['another kind', { kind: 7 }],
    ['other tags', { tags: [['t', 'x']] }],
  ])('a good copy waits for none of those with %s', async (_, spoilt) => {
    const event = nextEvent({ tags: [['t', 'y']] });
    const rounds = vi.spyOn(verifier, 'verify');
    const copies = [...Array.from({ length: 50 }, () => ({ ...event, ...spoilt })), event];
    const outcomes = copies.map((copy) => admission.submit(copy, relayA));
    await clock.advance(100);
    expect((await Promise.all(outcomes)).at(-1)).toEqual({ type: 'stored' });
    expect(rounds.mock.calls.findIndex(([events]) => events.includes(event))).toBeLessThan(3);
  });

  it('copies that are the same in everything are checked once', async () => {
    const event = nextEvent({ tags: [['t', 'y']] });
    const copy = (): NostrEvent => ({ ...event, tags: [['t', 'y']] });
    const outcomes = [copy(), forged(event), copy()].map((each) => admission.submit(each, relayA));
    await clock.advance(100);
    expect((await Promise.all(outcomes)).map(({ type }) => type)).toEqual(['stored', 'refused', 'known']);
    const again = [nextEvent()].flatMap((each) => [each, { ...each }]);
    verifier.verified = [];
    const types = again.map(async (each) => (await admission.submit(each, relayA)).type);
    await clock.advance(100);
    expect([await Promise.all(types), verifier.verified.length]).toEqual([['stored', 'known'], 1]);
  });

  it('an event under the id of another is not remembered under it', async () => {
    const event = nextEvent();
    await outcomeOf({ ...event, content: 'never' }, relayA);
    expect(parts.refused.reasonFor(event.id)).toBeUndefined();
    expect(await outcomeOf(event, relayA)).toEqual({ type: 'stored' });
  });
});

describe('the feed', () => {
  it('tells of stored events in their order, with their source, once each', async () => {
    const events = Array.from({ length: 200 }, () => nextEvent());
    const outcomes = events.map((event) => admission.submit(event, relayA));
    const again = events.map((event) => admission.submit(event, relayB));
    await clock.advance(100);
    expect((await Promise.all(outcomes)).every(({ type }) => type === 'stored')).toBe(true);
    expect((await Promise.all(again)).every(({ type }) => type === 'known')).toBe(true);
    expect(accepted.map(({ event }) => event.id)).toEqual(events.map(({ id }) => id));
    expect(new Set(accepted.map(({ source }) => source))).toEqual(new Set([relayA]));
  });

  it('tells how far it has come, in the numbers of the store', async () => {
    const before = admission.feed.announced;
    const seen: number[] = [];
    admission.feed.onAccepted(() => seen.push(admission.feed.announced));
    const events = [nextEvent(), nextEvent({ kind: 20_001 }), nextEvent()];
    const outcomes = events.map((event) => admission.submit(event, relayA));
    expect(admission.feed.announced).toBe(before);
    await clock.advance(100);
    await Promise.all(outcomes);
    const sequences = accepted.flatMap(({ sequence }) => sequence ?? []);
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(parts.store.lastSequence);
    expect((await parts.store.get(events[2]!.id))?.sequence).toBe(parts.store.lastSequence);
  });

  it('tells of ephemeral events without storing them', async () => {
    const event = nextEvent({ kind: 20_001 });
    expect(await outcomeOf(event, direct)).toEqual({ type: 'ephemeral' });
    expect(accepted.map(({ stored }) => stored)).toEqual([false]);
    expect(parts.store.has(event.id)).toBe(false);
  });

  it('tells what was replaced', async () => {
    const removed: string[] = [];
    admission.feed.onRemoved((event) => removed.push(...event.removed.map(({ id }) => id)));
    const old = nextEvent({ kind: 0 });
    await outcomeOf(old, direct);
    await outcomeOf(nextEvent({ kind: 0 }), direct);
    expect(removed).toEqual([old.id]);
    expect(policy.removed).toEqual([old.id]);
  });
});

describe('what waits for another event', () => {
  it('is tried again at once when that arrives within the hot time, also in chains', async () => {
    const root = nextEvent();
    const comment = nextEvent({ tags: [['e', root.id]] });
    const reply = nextEvent({ tags: [['e', comment.id]] });
    await outcomeOf(reply, relayA);
    await outcomeOf(comment, relayB);
    expect(parts.store.size).toBe(0);
    await outcomeOf(root, direct);
    await clock.advance(100);
    expect(accepted.map(({ event }) => event.id)).toEqual([root.id, comment.id, reply.id]);
    expect(accepted.map(({ source }) => source.type)).toEqual(['direct', 'live_sync', 'catchup']);
    expect(wanted).toEqual([]);
  });

  it('is asked for again when it is no longer at hand', async () => {
    const root = nextEvent();
    const comment = nextEvent({ tags: [['e', root.id]] });
    await outcomeOf(comment, relayA);
    await clock.advance(121_000);
    await outcomeOf(root, direct);
    expect(wanted).toEqual([comment.id]);
    expect(parts.refused.reasonFor(comment.id)).toBeUndefined();
  });

  it('is forgotten before the event that it waited for is put, so that no crash comes in between', async () => {
    const root = nextEvent();
    const comment = nextEvent({ tags: [['e', root.id]] });
    await outcomeOf(comment, relayA);
    expect(parts.refused.reasonFor(comment.id)).toBe('blocked: not yet');
    const reasonAtPut: (string | undefined)[] = [];
    const put = vi.spyOn(parts.store, 'put').mockImplementationOnce((event, body) => {
      reasonAtPut.push(parts.refused.reasonFor(comment.id));
      put.mockRestore();
      return parts.store.put(event, body);
    });
    await outcomeOf(root, direct);
    expect(reasonAtPut).toEqual([undefined]);
  });

  it('is tried again, however many others wait for the same', async () => {
    const root = nextEvent();
    const many = limits.revivedRowsMax + limits.revivedRowsAtOnceMax + 1;
    const comments = Array.from({ length: many }, () => nextEvent({ tags: [['e', root.id]] }));
    for (const comment of comments) await admission.submit(comment, relayA);
    await clock.advance(121_000);
    expect(parts.refused.size).toBe(many);
    await outcomeOf(root, direct);
    await expect.poll(() => parts.refused.size).toBe(0);
    expect(new Set(wanted)).toEqual(new Set(comments.map(({ id }) => id)));
  });

  it('is tried again a number at once, for however many reasons an event brings it back', async () => {
    const [first, second] = [nextEvent(), nextEvent()];
    const many = limits.revivedRowsMax;
    for (const root of [first, second])
      for (let count = 0; count < many; count += 1)
        parts.refused.add(nextEvent({ tags: [['e', root.id]] }), 'blocked: not yet');
    let atOnce = 0;
    const put = vi.spyOn(parts.store, 'put').mockImplementationOnce((event, body) => {
      atOnce = 2 * many - parts.refused.size;
      put.mockRestore();
      return parts.store.put(event, body);
    });
    vi.spyOn(policy, 'retryCandidates').mockReturnValueOnce([{ '#e': [first.id] }, { '#e': [second.id] }]);
    await outcomeOf(second, direct);
    expect(atOnce).toBe(many);
    await expect.poll(() => parts.refused.size).toBe(0);
    expect(new Set(wanted).size).toBe(2 * many);
  });

  it('is looked for in later turns behind very many that stay refused', async () => {
    const root = nextEvent();
    const tags = [['e', root.id]];
    const waiting = nextEvent({ tags });
    parts.refused.add(waiting, 'blocked: not yet');
    for (let count = 0; count < limits.revivedRowsMax; count += 1)
      parts.refused.add(nextEvent({ tags }), 'superseded');
    let isRefusedAtPut = false;
    const put = vi.spyOn(parts.store, 'put').mockImplementationOnce((event, body) => {
      isRefusedAtPut = parts.refused.reasonFor(waiting.id) !== undefined;
      put.mockRestore();
      return parts.store.put(event, body);
    });
    await outcomeOf(root, direct);
    expect(isRefusedAtPut).toBe(true);
    await expect.poll(() => parts.refused.size).toBe(limits.revivedRowsMax);
    expect(wanted).toEqual([waiting.id]);
  });

  it('is asked for again when the copy at hand turns out forged', async () => {
    const root = nextEvent();
    const comment = nextEvent({ tags: [['e', root.id]] });
    await outcomeOf(forged(comment), relayA);
    await outcomeOf(root, direct);
    await clock.advance(100);
    expect(wanted).toEqual([comment.id]);
    expect(await outcomeOf(comment, relayB)).toEqual({ type: 'stored' });
  });

  it('is asked for again, and taken, when the newer version is deleted or expires', async () => {
    const d = ['d', 'versions'];
    const versions = [1, 2].map((created_at) => nextEvent({ kind: 30_617, created_at, tags: [d] }));
    const expiring = nextEvent({
      kind: 30_617,
      tags: [d, ['expiration', `${Math.floor(clock.now() / 1000) + 60}`]],
    });
    const ids = versions.map(({ id }) => id).sort();
    for (const event of [...versions, expiring]) await outcomeOf(event, relayA);
    expect((await outcomeOf(versions[0] as NostrEvent, relayB)).type).toBe('superseded');
    await clock.advance(61_000);
    await admission.sweep();
    expect(wanted.sort()).toEqual(ids);
    for (const event of versions) expect((await outcomeOf(event, relayB)).type).toBe('stored');
    wanted = [];
    policy.stored.push(versions[1]?.id as string);
    await outcomeOf(nextEvent({ kind: 5, tags: [['e', versions[1]?.id as string]] }), relayA);
    expect(wanted).toEqual([versions[0]?.id]);
    expect((await outcomeOf(versions[0] as NostrEvent, relayB)).type).toBe('stored');
  });

  it('takes what the memory calls expired when the clock was wrong', async () => {
    const event = nextEvent({ tags: [['expiration', `${Math.floor(clock.now() / 1000) + 60}`]] });
    parts.refused.add(event, 'expired');
    expect((await outcomeOf(event, relayA)).type).toBe('stored');
  });

  it('stays refused when it was deleted', async () => {
    const root = nextEvent();
    const comment = nextEvent({ tags: [['e', root.id]] });
    policy.stored.push(comment.id);
    await outcomeOf(nextEvent({ kind: 5, tags: [['e', comment.id]] }), relayA);
    await outcomeOf(comment, relayA);
    await outcomeOf(root, direct);
    await clock.advance(100);
    expect(parts.refused.reasonFor(comment.id)).toBe('deleted');
    expect(wanted).toEqual([]);
  });

  it('a client that is refused fills no memory', async () => {
    const event = nextEvent({ tags: [['e', 'f'.repeat(64)]] });
    expect((await outcomeOf(event, direct)).type).toBe('refused');
    expect(parts.refused.size).toBe(0);
  });
});

describe('order and room', () => {
  it('clients go before catch-up', async () => {
    verifier.shut();
    const first = Array.from({ length: 2 }, () => nextEvent());
    const rest = Array.from({ length: 100 }, () => nextEvent());
    const client = nextEvent();
    for (const event of [...first, ...rest]) admission.submit(event, relayA).catch(() => {});
    const outcome = admission.submit(client, direct);
    verifier.open();
    await clock.advance(100);
    expect(await outcome).toEqual({ type: 'stored' });
    const order = accepted.map(({ event }) => event.id);
    expect(order.indexOf(client.id)).toBeLessThan(5);
  });

  it('a full lane makes its producers wait, and no others', async () => {
    verifier.shut();
    const content = 'x'.repeat(1_000_000);
    for (let n = 0; n < 40; n += 1) admission.submit(nextEvent({ content }), relayA).catch(() => {});
    let waitForCapacity = false;
    const waiting = admission.waitForCapacity('catchup').then(() => {
      waitForCapacity = true;
    });
    await admission.waitForCapacity('direct');
    await admission.waitForCapacity('live_sync');
    expect(waitForCapacity).toBe(false);
    verifier.open();
    await clock.advance(1000);
    await waiting;
    expect(waitForCapacity).toBe(true);
  });

  describe('verifies no more while much waits for its write, so that the lanes fill', () => {
    const megabyte = 1_000_000;
    const content = 'x'.repeat(megabyte);

    /** Submits 60 megabytes while nothing is written; gives what goes on then. */
    async function submitMany(source: EventSource) {
      const written = deferred<void>();
      const put = parts.store.put.bind(parts.store);
      vi.spyOn(parts.store, 'put').mockImplementation((event) => ({
        ...put(event),
        written: written.promise,
      }));
      const outcomes = Array.from({ length: 60 }, () => admission.submit(nextEvent({ content }), source));
      let hasCapacity = false;
      const waiting = admission.waitForCapacity(source.type).then(() => {
        hasCapacity = true;
      });
      await clock.advance(1_000);
      expect(hasCapacity).toBe(false);
      return async () => {
        written.resolve();
        await clock.advance(1_000);
        await waiting;
        expect(await Promise.all(outcomes)).toEqual(outcomes.map(() => ({ type: 'stored' })));
      };
    }

    // Those that were under way when the limit was reached are written as well.
    const putMax = (bytes: number) => bytes / megabyte + 5;

    it('of clients', async () => {
      const write = await submitMany(direct);
      expect(parts.store.size).toBeGreaterThanOrEqual(limits.writingBytesMax / (megabyte + 300));
      expect(parts.store.size).toBeLessThan(putMax(limits.writingBytesMax));
      await write();
    });

    it('of relays, much sooner: a client is written next', async () => {
      const write = await submitMany(relayA);
      const before = parts.store.size;
      expect(before).toBeGreaterThanOrEqual(limits.writingRemoteBytesMax / (megabyte + 300));
      expect(before).toBeLessThan(putMax(limits.writingRemoteBytesMax));
      const event = nextEvent();
      const outcome = admission.submit(event, direct);
      await clock.advance(1_000);
      expect(parts.store.has(event.id)).toBe(true);
      expect(parts.store.size).toBe(before + 1);
      await write();
      expect(await outcome).toEqual({ type: 'stored' });
    });
  });

  it('at the end, what was not begun is given up and what is under way is stored', async () => {
    verifier.shut();
    const events = Array.from({ length: 200 }, () => nextEvent());
    const outcomes = Promise.allSettled(events.map((event) => admission.submit(event, relayA)));
    const closing = admission[Symbol.asyncDispose]();
    verifier.open();
    await clock.advance(100);
    await closing;
    const results = await outcomes;
    const stored = results.filter(({ status }) => status === 'fulfilled').length;
    expect(stored).toBe(parts.store.size);
    expect(stored).toBeGreaterThan(0);
    const failed = results.filter((result) => result.status === 'rejected');
    expect(failed.length).toBe(200 - stored);
    expect(failed.every(({ reason }) => reason instanceof AdmissionClosedError)).toBe(true);
    await expect(admission.submit(nextEvent(), direct)).rejects.toThrow(AdmissionClosedError);
  });
});
