import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import type { EventSource } from '../../src/admission/admission.js';
import { AdmissionMetrics } from '../../src/admission/admission-metrics.js';
import { AdmissionPipeline } from '../../src/admission/admission-pipeline.js';
import { limits } from '../../src/config/limits.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { isQuotaRefusal, KeyQuotas, type QuotaSettings } from '../../src/policy/key-quotas.js';
import { countStored, QuotaPolicy } from '../../src/policy/quota-policy.js';
import { WaitingForRoom } from '../../src/policy/waiting-for-room.js';
import { announcement, event, key, world } from '../policy/world.js';

const [alice, bob] = [key(1), key(2)];
const remote: EventSource = { type: 'catchup', relay: 'wss://a.example' };
const client: EventSource = { type: 'direct' };
const hotMs = 120_000;

let here: ReturnType<typeof world>;
let admission: AdmissionPipeline;
let wanted: string[];

beforeEach(() => {
  here = world();
  wanted = [];
});

const wide = { keyRepositoriesMax: 1_000, keyEventsMax: 1_000, keyBytesMax: 1e9, repositoriesMax: 1_000 };

function open(settings: Partial<QuotaSettings>): KeyQuotas {
  const { store, refused, clock, policy: rules } = here;
  const quotas = new KeyQuotas(Object.assign(settings, { ...wide, ...settings }));
  countStored(store, quotas);
  refused.deleteRefusedFor(isQuotaRefusal);
  admission = new AdmissionPipeline({
    store,
    refused,
    policy: new QuotaPolicy(rules, quotas, store),
    waitingForRoom: new WaitingForRoom(quotas),
    verifier: {
      batchesMax: 1,
      verify: async (events) => ({
        verdicts: events.map(({ sig }) => (sig.startsWith('f') ? 'wrong-signature' : 'valid')),
      }),
      async [Symbol.asyncDispose]() {},
    },
    clock,
    metrics: new AdmissionMetrics(new Registry()),
    log: { error: () => {} },
    hotCacheDurationMs: hotMs,
    effects: { run: () => {} },
    onStoreFailure: () => {},
  });
  admission.onWanted((ids) => wanted.push(...ids));
  return quotas;
}

const outcomeOf = async (submitted: NostrEvent, source: EventSource = remote) =>
  (await admission.submit(submitted, source)).type;
const deletionOf = ({ pubkey, id }: NostrEvent) => event(pubkey, 5, [['e', id]]);

describe('what a remote sent and was refused for a quota', () => {
  it('is wanted again, and taken, when a deletion gave room: no more than there is room for', async () => {
    open({ keyEventsMax: 3 });
    const repository = announcement(alice, 'a');
    const comment = () => event(bob, 1111, [['e', repository.id]]);
    const comments = Array.from({ length: 6 }, comment) as [NostrEvent, ...NostrEvent[]];
    await outcomeOf(repository);
    for (const one of comments) await outcomeOf(one);
    const [first, , , fourth] = comments;
    expect(here.store.count([{ authors: [bob] }])).toBe(3);
    await here.clock.advance(hotMs + 1);
    await admission.sweep();
    expect(wanted).toEqual([]);
    expect(await outcomeOf(fourth!)).toBe('refused');
    // The deletion takes the place of what it deletes: there is room when one more goes.
    await outcomeOf(deletionOf(first));
    await admission.sweep();
    expect(wanted).toEqual([]);
    here.store.remove(comments[1]!.id);
    await admission.sweep();
    expect(wanted).toEqual([fourth!.id]);
    expect(await outcomeOf(fourth!)).toBe('stored');
    await admission.sweep();
    expect(wanted).toHaveLength(1);
  });

  it('is taken from what is at hand, when an event expired', async () => {
    open({ keyEventsMax: 1 });
    const repository = announcement(alice, 'a');
    const expiration = `${Math.floor(here.clock.now() / 1_000) + 60}`;
    const expiring = event(bob, 1111, [
      ['e', repository.id],
      ['expiration', expiration],
    ]);
    const other = event(bob, 1111, [['e', repository.id]]);
    await outcomeOf(repository);
    await outcomeOf(expiring);
    expect(await outcomeOf(other)).toBe('refused');
    await here.clock.advance(61_000);
    await admission.sweep();
    await admission.announced();
    expect(wanted).toEqual([]);
    await expect.poll(() => here.store.has(other.id)).toBe(true);
  });

  it('is wanted again when another key gave room for a repository', async () => {
    open({ repositoriesMax: 1 });
    const [first, second] = [announcement(alice, 'a'), announcement(bob, 'b')];
    await outcomeOf(first);
    expect(await outcomeOf(second)).toBe('refused');
    await here.clock.advance(hotMs + 1);
    await outcomeOf(deletionOf(first));
    await admission.sweep();
    expect(wanted).toEqual([second.id]);
    expect(await outcomeOf(second)).toBe('stored');
  });

  it('is wanted again when the operator raised the quota', async () => {
    const settings = { repositoriesMax: 1 };
    const quotas = open(settings);
    await outcomeOf(announcement(alice, 'a'));
    const second = announcement(bob, 'b');
    expect(await outcomeOf(second)).toBe('refused');
    await here.clock.advance(hotMs + 1);
    settings.repositoriesMax = 2;
    await admission.sweep();
    expect(wanted).toEqual([]);
    quotas.settingsChanged();
    await admission.sweep();
    expect(wanted).toEqual([second.id]);
    expect(await outcomeOf(second)).toBe('stored');
  });

  it('is not remembered across a restart, so that catch-up brings it again', async () => {
    open({ repositoriesMax: 1 });
    const second = announcement(bob, 'b');
    await outcomeOf(announcement(alice, 'a'));
    await outcomeOf(event(bob, 1111, [['e', 'e'.repeat(64)]]));
    await outcomeOf(second);
    expect(here.refused.size).toBe(2);
    open({ repositoriesMax: 2 });
    expect(here.refused.size).toBe(1);
    expect(await outcomeOf(second)).toBe('stored');
  });

  it('is remembered only when its signature is right, so that a forged copy keeps no good one out', async () => {
    open({ keyEventsMax: 1 });
    const repository = announcement(alice, 'a');
    const [first, second] = [1, 2].map(() => event(bob, 1111, [['e', repository.id]]));
    await outcomeOf(repository);
    await outcomeOf(first!);
    const forged = await admission.submit({ ...second!, sig: 'f'.repeat(128) }, remote);
    expect(forged).toEqual({ type: 'refused', reason: 'invalid: the signature is wrong' });
    here.store.remove(first!.id);
    await admission.sweep();
    expect(wanted).toEqual([]);
    expect(await outcomeOf(second!)).toBe('stored');
  });

  it('is not remembered when there is too much of it: the oldest of who sent the most gives way', () => {
    const waiting = new WaitingForRoom(
      new KeyQuotas({ keyRepositoriesMax: 1, keyEventsMax: 1, keyBytesMax: 1, repositoriesMax: 1 }),
    );
    const need = { pubkey: bob, kind: 1111, bytes: 512, replaces: false };
    expect(waiting.add('of another relay', need, 'wss://b.example')).toBeUndefined();
    for (let number = 1; number < limits.waitingForRoomEventsMax; number += 1)
      expect(waiting.add(`${number}`, need, `wss://a.example/${number % 3}`)).toBeUndefined();
    expect(waiting.add('one more', need, 'wss://b.example')).toBe('1');
    expect(waiting.add('and one', need, 'wss://a.example')).toBe('2');
  });
});

describe('what strangers store', () => {
  it('is counted for the address of the client, where it is of a stranger', async () => {
    open({});
    let taken = 0;
    const takeStrangerEvent = () => {
      taken += 1;
      return taken > 1 ? 'rate-limited: enough of strangers' : undefined;
    };
    const source: EventSource = { type: 'direct', address: { group: '192.0.2.1', takeStrangerEvent } };
    const repository = announcement(alice, 'a');
    expect(await outcomeOf(repository, client)).toBe('stored');
    expect(await outcomeOf(deletionOf(repository), source)).toBe('stored');
    expect(taken).toBe(0);
    const stranger = () => event(bob, 5, [['e', 'e'.repeat(64)]]);
    expect([await outcomeOf(stranger(), source), await outcomeOf(stranger(), source)]).toEqual([
      'stored',
      'refused',
    ]);
    expect(await outcomeOf(stranger(), client)).toBe('stored');
  });
});

describe('what the operator imports', () => {
  it('is bound by no quota, and counts all the same', async () => {
    const quotas = open({ keyRepositoriesMax: 1, repositoriesMax: 1, keyEventsMax: 2 });
    const given: EventSource = { type: 'import' };
    for (const name of ['a', 'b', 'c'])
      expect(await outcomeOf(announcement(alice, name), given)).toBe('stored');
    expect(await outcomeOf(announcement(bob, 'd'), client)).toBe('refused');
    expect(quotas.refusal({ pubkey: alice, kind: 1, bytes: 1 }, false)).toBeDefined();
  });

  it('is refused anew each time, and not remembered as refused', async () => {
    open({});
    const comment = event(bob, 1111, [['e', '1'.repeat(64)]]);
    expect(await outcomeOf(comment, { type: 'import' })).toBe('refused');
    expect(here.refused.size).toBe(0);
  });
});
