import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventSource } from '../../src/admission/admission.js';
import { limits } from '../../src/config/limits.js';
import { ListFullError, ModerationLists } from '../../src/moderation/lists.js';
import { Moderation, ProtectedKeyError } from '../../src/moderation/moderation.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Effect } from '../../src/policy/decision.js';
import { authorBanned, eventBanned } from '../../src/policy/policy-context.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { address, announcement, event, foreign, key, pullRequest, state } from '../policy/world.js';
import { openHoldingAdmission } from '../support/holding-admission.js';
import { VirtualClock } from '../support/virtual-clock.js';

const [alice, bob, owner] = [key(1), key(2), key(9)];
const client: EventSource = { type: 'direct' };
const remote: EventSource = { type: 'catchup', relay: 'wss://a.example' };
const wording = { by: 'a test', reason: 'spam' };

let clock: VirtualClock;
let opened: OpenedStore;
let stop: AbortController;

beforeEach(() => {
  clock = new VirtualClock(Date.UTC(2026, 0, 1));
  opened = createMemoryStore({ clock });
  stop = new AbortController();
});

async function open(onDisk: { pubkey: string; identifier: string }[] = []) {
  const lists = await ModerationLists.load(opened.journal);
  const here = await openHoldingAdmission({ opened, clock, bans: lists });
  const aligned: Effect[] = [];
  const wanted: string[] = [];
  const errors: object[] = [];
  here.admission.onWanted((ids) => wanted.push(...ids));
  const moderation = new Moderation({
    ...opened,
    ...here,
    lists,
    repositories: {
      async *list() {
        yield* onDisk;
      },
    },
    alignment: { run: (effects) => void aligned.push(...effects) },
    isProtected: (pubkey) => pubkey === owner,
    trustedProxies: ['10.0.0.0/8'],
    endBlocked: () => {},
    clock,
    log: { info: () => {}, error: (details) => errors.push(details) },
    signal: stop.signal,
  });
  const submit = async (submitted: NostrEvent, source: EventSource = client) =>
    await here.admission.submit(submitted, source);
  return { ...here, lists, moderation, aligned, wanted, errors, submit };
}

/** An announcement, a state and a pull request of Alice, and a comment of Bob, which are stored. */
function repository() {
  const announced = foreign(alice, 'project');
  const naming = foreign(bob, 'other', [alice]);
  const proposed = pullRequest(alice, [address(alice, 'project')]);
  const stated = state(alice, 'project', ['refs/heads/main', 'c'.repeat(40)]);
  const comment = event(bob, 1111, [['a', address(alice, 'project')]]);
  return { announced, naming, proposed, stated, comment };
}

function storeAll(events: readonly NostrEvent[]): void {
  for (const each of events) opened.store.put(each);
}

describe('a public key that is banned', () => {
  it('has its events taken away, with what they gave a say in, and nothing of others goes', async () => {
    const { announced, naming, proposed, stated, comment } = repository();
    storeAll([announced, naming, proposed, stated, comment]);
    const here = await open();
    const removed: string[] = [];
    here.admission.feed.onRemoved((told) => removed.push(...told.removed.map(({ id }) => id)));
    const taking = await here.moderation.banPubkey(alice, wording);
    expect(taking.total).toBe(3);
    await taking.ended;
    expect(taking.removed).toBe(3);
    expect(removed.sort()).toEqual([announced.id, proposed.id, stated.id].sort());
    expect(opened.store.ids({}).sort()).toEqual([naming.id, comment.id].sort());
    expect(here.directory.isAnnounced({ pubkey: alice, identifier: 'project' })).toBe(false);
    expect(here.directory.stateOf({ pubkey: alice, identifier: 'project' })).toBeUndefined();
    expect(here.effects).toContainEqual({
      type: 'align-repository',
      pubkey: alice,
      identifier: 'project',
    });
  });

  it('is refused from clients and from relays, for the same reason, and not downloaded again', async () => {
    const { announced, stated } = repository();
    storeAll([announced, stated]);
    const here = await open();
    await (await here.moderation.banPubkey(alice, wording)).ended;
    for (const source of [client, remote])
      expect(await here.submit(announced, source)).toEqual({ type: 'refused', reason: authorBanned });
    const fresh = announcement(alice, 'new');
    expect(await here.submit(fresh, remote)).toEqual({ type: 'refused', reason: authorBanned });
    expect(opened.refused.reasonFor(stated.id)).toBe(authorBanned);
    // Whatever arrives that it would hang on.
    await here.submit(announcement(bob, 'project', { maintainers: [alice] }), remote);
    expect(here.wanted).toEqual([]);
    expect(opened.refused.reasonFor(stated.id)).toBe(authorBanned);
  });

  it('has what waits for its git data let go', async () => {
    const here = await open();
    const held = announcement(alice, 'new');
    expect(await here.submit(held)).toMatchObject({ type: 'held' });
    await here.moderation.banPubkey(alice, wording);
    await clock.advance(1_000);
    expect([...here.purgatory.all()]).toEqual([]);
    expect(here.directory.isKnown('new')).toBe(false);
  });

  it('has very many events taken away in batches, in which others have their turn', async () => {
    const many = Array.from({ length: 3 * limits.takenAwayAtOnceMax }, (_, at) =>
      event(alice, 1111, [], { content: `${at}` }),
    );
    storeAll(many);
    const here = await open();
    const taking = await here.moderation.banPubkey(alice, wording);
    const seen = new Set<number>();
    const looking = new AbortController();
    void taking.ended.then(() => looking.abort());
    while (!looking.signal.aborted) {
      seen.add(taking.removed);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(taking.removed).toBe(many.length);
    expect(seen.size).toBeGreaterThan(2);
    expect(opened.store.size).toBe(0);
  });

  it('has the rest taken away by the next start, and its repositories on disk closed', async () => {
    const many = Array.from({ length: 2 * limits.takenAwayAtOnceMax }, (_, at) =>
      event(alice, 1111, [], { content: `${at}` }),
    );
    storeAll(many);
    const first = await open();
    const taking = await first.moderation.banPubkey(alice, wording);
    // As much as is done before the process ends.
    stop.abort();
    await taking.ended;
    expect(opened.store.size).toBeGreaterThan(0);
    stop = new AbortController();
    const onDisk = [
      { pubkey: alice, identifier: 'left' },
      { pubkey: bob, identifier: 'other' },
    ];
    const second = await open(onDisk);
    await second.moderation.resume();
    expect(opened.store.size).toBe(0);
    expect(second.aligned).toEqual([{ type: 'align-repository', pubkey: alice, identifier: 'left' }]);
  });

  it('is taken again when the ban is lifted, and asked of relays, but for what was deleted one by one', async () => {
    const { announced, stated, comment } = repository();
    const deleted = event(alice, 1111, [['a', address(bob, 'other')]]);
    storeAll([announced, stated, comment, deleted]);
    const here = await open();
    for await (const _ of here.moderation.delete([{ ids: [deleted.id] }], false, wording));
    await (await here.moderation.banPubkey(alice, wording)).ended;
    expect(await here.moderation.unbanPubkey(alice, 'a test')).toBe(true);
    expect(here.wanted.sort()).toEqual([announced.id, stated.id].sort());
    expect(opened.refused.reasonFor(announced.id)).toBeUndefined();
    expect(opened.refused.reasonFor(deleted.id)).toBe('removed');
    expect(await here.moderation.unbanPubkey(alice, 'a test')).toBe(false);
  });

  it('has what its author deleted stay deleted when the ban is lifted', async () => {
    const deleted = event(alice, 1111, [['a', address(bob, 'other')]]);
    const request = event(alice, 5, [['e', deleted.id]]);
    storeAll([deleted, request]);
    expect(opened.refused.reasonFor(deleted.id)).toBe('deleted');
    const here = await open();
    await (await here.moderation.banPubkey(alice, wording)).ended;
    await here.moderation.unbanPubkey(alice, 'a test');
    expect(here.wanted).toEqual([request.id]);
    expect(opened.refused.reasonFor(deleted.id)).toBe('deleted');
  });

  it('is on disk until what was refused for it is forgotten, so that the lifting can be done again', async () => {
    const { announced, comment } = repository();
    storeAll([announced, comment]);
    const here = await open();
    await (await here.moderation.banPubkey(alice, wording)).ended;
    await (await here.moderation.banEvent(comment.id, wording)).ended;
    const forgotten: boolean[] = [];
    const journal = opened.journal;
    const remove = journal.delete.bind(journal);
    vi.spyOn(journal, 'delete').mockImplementation(async (name) => {
      forgotten.push([announced, comment].every(({ id }) => opened.refused.reasonFor(id) === undefined));
      await remove(name);
    });
    await Promise.all([
      here.moderation.unbanPubkey(alice, 'a test'),
      here.moderation.unbanEvent(comment.id, 'a test'),
    ]);
    expect(forgotten).toEqual([true, true]);
    expect((await ModerationLists.load(journal)).entries('banned-pubkey').size).toBe(0);
    // One that is put on the list again meanwhile stays there.
    await (await here.moderation.banPubkey(alice, wording)).ended;
    const lifted = here.moderation.unbanPubkey(alice, 'a test');
    await here.moderation.banPubkey(alice, wording);
    await lifted;
    expect((await ModerationLists.load(journal)).has('banned-pubkey', alice)).toBe(true);
  });

  it('keeps what was not taken away yet when the ban is lifted meanwhile', async () => {
    const many = Array.from({ length: 20 * limits.takenAwayAtOnceMax }, (_, at) =>
      event(alice, 1111, [], { content: `${at}` }),
    );
    storeAll(many);
    const here = await open();
    const taking = await here.moderation.banPubkey(alice, wording);
    await here.moderation.unbanPubkey(alice, 'a test');
    await taking.ended;
    expect(opened.store.size).toBe(many.length - taking.removed);
    expect(opened.store.size).toBeGreaterThan(0);
    expect(here.wanted).toHaveLength(taking.removed);
  });

  it('is never that of the owner of this relay', async () => {
    const here = await open();
    await expect(here.moderation.banPubkey(owner, wording)).rejects.toThrow(ProtectedKeyError);
    expect(here.lists.entries('banned-pubkey').size).toBe(0);
  });

  it('is no longer banned when it is allowed, and no longer allowed when it is banned', async () => {
    const here = await open();
    await here.moderation.allowPubkey(alice, wording);
    await here.moderation.banPubkey(alice, wording);
    expect([here.lists.isAllowed(alice), here.lists.has('banned-pubkey', alice)]).toEqual([false, true]);
    await here.moderation.allowPubkey(alice, wording);
    expect([here.lists.isAllowed(alice), here.lists.has('banned-pubkey', alice)]).toEqual([true, false]);
    expect(await here.moderation.unallowPubkey(alice, 'a test')).toBe(true);
    expect(here.lists.isAllowed(alice)).toBe(false);
  });
});

describe('an event that is banned', () => {
  it('is taken away and refused, also when it was never here, until the ban is lifted', async () => {
    const { announced, naming, comment } = repository();
    storeAll([announced, naming, comment]);
    const here = await open();
    const never = event(bob, 1111, [['a', address(bob, 'other')]]);
    await (await here.moderation.banEvent(comment.id, wording)).ended;
    await (await here.moderation.banEvent(never.id, wording)).ended;
    expect(opened.store.ids({}).sort()).toEqual([announced.id, naming.id].sort());
    for (const source of [client, remote])
      for (const each of [comment, never])
        expect(await here.submit(each, source)).toEqual({ type: 'refused', reason: eventBanned });
    expect(await here.moderation.unbanEvent(comment.id, 'a test')).toBe(true);
    expect(here.wanted).toEqual([comment.id]);
    expect(await here.submit(comment)).toEqual({ type: 'stored' });
  });
});

describe('events that are deleted', () => {
  it('are gone, and stay away from relays but not from clients', async () => {
    const { announced, comment } = repository();
    const older = event(bob, 1111, [['a', address(alice, 'project')]]);
    storeAll([announced, comment, older]);
    const here = await open();
    const counts: number[] = [];
    for await (const count of here.moderation.delete([{ kinds: [1111] }], false, wording)) counts.push(count);
    expect(counts).toEqual([2]);
    expect(opened.store.ids({})).toEqual([announced.id]);
    expect(await here.submit(comment, remote)).toMatchObject({ type: 'refused' });
    expect(await here.submit(comment)).toEqual({ type: 'stored' });
  });

  it('are all here where not all of them can be banned as well', async () => {
    const { comment } = repository();
    storeAll([comment]);
    const here = await open();
    vi.spyOn(opened.store, 'countInTurns').mockResolvedValue(limits.bannedEventsMax + 1);
    const deleted = here.moderation.delete([{ kinds: [1111] }], true, wording);
    await expect(deleted.next()).rejects.toThrow(ListFullError);
    expect(opened.store.has(comment.id)).toBe(true);
  });

  it('stay away for good where they are banned as well', async () => {
    const { announced, comment } = repository();
    storeAll([announced, comment]);
    const here = await open();
    for await (const _ of here.moderation.delete([{ authors: [bob] }], true, wording));
    expect(opened.store.ids({})).toEqual([announced.id]);
    expect(await here.submit(comment)).toEqual({ type: 'refused', reason: eventBanned });
    expect(here.lists.has('banned-pubkey', bob)).toBe(false);
  });
});
