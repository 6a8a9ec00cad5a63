import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventSource } from '../../src/admission/admission.js';
import { HoldingDesk } from '../../src/admission/holding/holding-desk.js';
import { limits } from '../../src/config/limits.js';
import { deferred } from '../../src/lib/abort.js';
import { localAddressGroup } from '../../src/lib/budgets/address-group.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { heldReason } from '../../src/purgatory/held-event.js';
import type { HeldSet } from '../../src/purgatory/held-sets.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { address, announcement, event, foreign, key, pullRequest, state } from '../policy/world.js';
import { roomySettings } from '../purgatory/holding-world.js';
import { BusyClock } from '../store/support/busy-clock.js';
import { openHoldingAdmission } from '../support/holding-admission.js';
import { VirtualClock } from '../support/virtual-clock.js';

const minuteMs = 60_000;
const [alice, bob, carol] = [key(1), key(2), key(3)];
const repository = { pubkey: alice, identifier: 'repo' };
const sha1 = '1'.repeat(40);
const remote: EventSource = { type: 'live_sync', relay: 'wss://a.example' };
const notRelated = 'blocked: the event neither refers to an accepted event nor is referred to by one';

type Here = Awaited<ReturnType<typeof openHoldingAdmission>>;

let clock: VirtualClock;
let here: Here;
let fed: string[];
let gone: string[];

async function open(opened = createMemoryStore({ clock })): Promise<void> {
  here = await openHoldingAdmission({ opened, clock });
  fed = [];
  gone = [];
  here.admission.feed.onAccepted((accepted) => fed.push(accepted.event.id));
  here.admission.feed.onRemoved(({ removed }) => gone.push(...removed.map(({ id }) => id)));
}

beforeEach(async () => {
  clock = new VirtualClock(Date.UTC(2026, 0, 1));
  await open();
});

afterEach(() => {
  expect(here.errors).toEqual([]);
});

const isHeld = ({ id }: NostrEvent): boolean => here.purgatory.has(id);

async function sweep(): Promise<void> {
  await here.admission.sweep();
  await clock.advance(1);
}

/** A repository whose git data is here. */
async function serve(): Promise<NostrEvent> {
  const announced = announcement(alice, 'repo');
  await here.submit(announced);
  await here.arrive(announced);
  return announced;
}

describe('An event that is to be held', () => {
  it('is answered as taken, and is nowhere to be seen', async () => {
    const announced = announcement(alice, 'repo');
    const outcome = await here.admission.submit(announced, { type: 'direct' });
    expect(outcome).toEqual({ type: 'held', reason: "purgatory: won't be served until git data arrives" });
    expect(here.store.has(announced.id)).toBe(false);
    expect(fed).toEqual([]);
    expect(here.effects).toEqual([{ type: 'align-repository', ...repository }]);
  });

  it('moves nothing on disk where it is a state, and all that it governs when it is stored', async () => {
    await here.submit(announcement(alice, 'repo', { maintainers: [bob] }));
    await here.submit(announcement(carol, 'repo', { maintainers: [bob] }));
    here.effects.length = 0;
    const held = state(bob, 'repo', ['refs/heads/main', sha1]);
    await here.submit(held);
    expect(isHeld(held)).toBe(true);
    expect(here.effects).toEqual([]);
    await here.arrive(held);
    expect(new Set(here.effects.map(({ pubkey }) => pubkey))).toEqual(new Set([alice, carol]));
  });

  it('is examined once it is journaled, and before the answer; where its git data is here it is stored', async () => {
    const announced = announcement(alice, 'repo');
    const names: string[] = [];
    here.git.isHere = ({ kind }) => kind === 30618;
    expect(await here.submit(announced)).toBe('held');
    expect(here.examined).toEqual([announced]);
    for await (const { name } of here.journal.entries()) names.push(name);
    expect(names).toEqual([`held:${announced.id}`]);
    const following = state(alice, 'repo', ['refs/heads/main', sha1]);
    expect(await here.submit(following)).toBe('stored');
    expect(fed).toEqual([following.id]);
    expect(isHeld(following)).toBe(false);
  });

  it('is answered after a while where the look takes long, and stored when it ends', async () => {
    const announced = announcement(alice, 'repo');
    const { promise, resolve } = deferred<void>();
    const { promote } = here.admission.holding!;
    const desk = here.admission.holding!;
    here.git.isHere = () => true;
    desk.promote = async (promoted) => {
      await promise;
      return await promote.call(desk, promoted);
    };
    const answer = here.submit(announced);
    await clock.advance(limits.heldExaminationMsMax - 1);
    let isAnswered = false;
    void answer.then(() => {
      isAnswered = true;
    });
    await clock.advance(0);
    expect(isAnswered).toBe(false);
    await clock.advance(1);
    expect(await answer).toBe('held');
    resolve();
    await clock.advance(1);
    expect(here.store.has(announced.id)).toBe(true);
    expect(fed).toEqual([announced.id]);
  });

  it('is known when it comes again: held, and neither verified nor examined', async () => {
    const announced = announcement(alice, 'repo');
    await here.submit(announced);
    expect(await here.submit({ ...announced, sig: 'f'.repeat(128) })).toBe('held');
    expect(here.examined).toHaveLength(1);
    await here.arrive(announced);
    expect(await here.submit(announced)).toBe('known');
  });

  it('is not held, nor does it end what is, when its signature is wrong', async () => {
    const [first, second] = [announcement(alice, 'repo'), foreign(alice, 'repo')];
    expect(await here.submit({ ...first, sig: 'f'.repeat(128) })).toMatch(/^invalid: the signature/);
    expect(isHeld(first)).toBe(false);
    await here.submit(first);
    await here.submit({ ...second, sig: 'f'.repeat(128) });
    expect(isHeld(first)).toBe(true);
  });

  it('is told of when it was refused though its signature is right', async () => {
    const stray = pullRequest(alice, [address(bob, 'unknown')]);
    await here.submit({ ...stray, sig: 'f'.repeat(128) });
    expect(here.refusedEvents).toEqual([]);
    await here.submit(stray);
    expect(here.refusedEvents).toEqual([stray]);
  });

  it('is refused when too much is held, and may be held later', async () => {
    for (let at = 0; at < 100; at += 1) await here.submit(announcement(alice, `repo-${at}`));
    const one = announcement(alice, 'repo');
    expect(await here.submit(one)).toMatch(/^restricted: this key may have 100 repositories/);
    expect(here.refused.reasonFor(one.id)).toBeUndefined();
    await clock.advance(30 * minuteMs);
    await sweep();
    expect(await here.submit(one)).toBe('held');
  });

  it('counts for the address of its client', async () => {
    const from = (group: string): EventSource => ({
      type: 'direct',
      address: { group, takeStrangerEvent: () => undefined },
    });
    for (let at = 0; at < limits.heldAddressRepositoriesMax; at += 1)
      await here.submit(announcement(key(at), 'repo'), from('192.0.2.1'));
    const one = announcement(key(9_999), 'repo');
    expect(await here.submit(one, from('192.0.2.1'))).toMatch(/^rate-limited: one address/);
    expect(await here.submit(one, from(localAddressGroup))).toBe('held');
  });

  it('has room where another address has more, which gives up what has been held longest', async () => {
    const from = (group: string): EventSource => ({
      type: 'direct',
      address: { group, takeStrangerEvent: () => undefined },
    });
    const addresses = Math.ceil(roomySettings.heldRepositoriesMax / limits.heldAddressRepositoriesMax);
    const all: NostrEvent[] = [];
    for (let at = 0; at < roomySettings.heldRepositoriesMax; at += 1) {
      all.push(announcement(key(at), 'repo'));
      await here.submit(all[at]!, from(`192.0.2.${at % addresses}`));
    }
    const one = announcement(key(9_999), 'repo');
    expect(await here.submit(one, from('198.51.100.1'))).toBe('held');
    expect(all.filter((each) => !isHeld(each))).toEqual([all[0]]);
    expect(here.purgatory.lapsedAnnouncementOf({ pubkey: key(0), identifier: 'repo' })).toBeDefined();
    expect(await here.submit(announcement(key(9_998), 'repo'), from('192.0.2.1'))).toMatch(
      /^rate-limited: this relay takes 5000 repositories/,
    );
  });

  it('is superseded by a newer version that is held, and replaces an older one', async () => {
    const [older, newer] = [announcement(alice, 'repo'), announcement(alice, 'repo')];
    expect(await here.submit(newer)).toBe('held');
    expect(await here.submit(older)).toBe('superseded');
    expect(isHeld(newer)).toBe(true);
    const newest = announcement(alice, 'repo');
    expect(await here.submit(newest)).toBe('held');
    expect([isHeld(newer), isHeld(newest)]).toEqual([false, true]);
  });
});

describe('A held event', () => {
  it('is stored, and told of once, when its git data comes', async () => {
    const announced = announcement(alice, 'repo');
    await here.submit(announced);
    const outcomes = await Promise.all([here.arrive(announced), here.arrive(announced)]);
    expect(outcomes.map(({ type }) => type)).toEqual(['stored', 'known']);
    expect(fed).toEqual([announced.id]);
    expect(isHeld(announced)).toBe(false);
    expect(here.directory.isAnnounced(repository)).toBe(true);
    expect(here.refused.reasonFor(announced.id)).toBeUndefined();
    const metrics = await here.registry.metrics();
    expect(metrics).toContain('ngit_admission_events_total{source="direct",outcome="held"} 1');
    expect(metrics).not.toContain('outcome="stored"');
    expect(metrics).toContain('ngit_purgatory_released_total{cause="promoted"} 1');
  });

  it('goes after half an hour, with its repository, and renews its time with a state that it waits for', async () => {
    const announced = announcement(alice, 'repo');
    await here.submit(announced);
    await clock.advance(29 * minuteMs);
    await here.submit(state(alice, 'repo', ['refs/heads/main', sha1]));
    await clock.advance(29 * minuteMs);
    await sweep();
    expect(isHeld(announced)).toBe(true);
    here.effects.length = 0;
    await clock.advance(minuteMs);
    await sweep();
    expect(isHeld(announced)).toBe(false);
    expect(here.directory.isServed(repository)).toBe(false);
    expect(here.effects).toContainEqual({ type: 'align-repository', ...repository });
  });

  it('is ended by a newer announcement of its author that lists us no longer', async () => {
    const [announced, moved] = [announcement(alice, 'repo'), foreign(alice, 'repo')];
    await here.submit(announced);
    const following = state(alice, 'repo', ['refs/heads/main', sha1]);
    await here.submit(following);
    expect(await here.submit(moved)).toMatch(/^blocked: the announcement does not list/);
    await clock.advance(1);
    expect([isHeld(announced), isHeld(following)]).toEqual([false, false]);
    expect(here.directory.isServed(repository)).toBe(false);
  });

  it('is ended by such a one also when it comes from another relay', async () => {
    const announced = announcement(alice, 'repo');
    await here.submit(announced);
    expect(await here.submit(foreign(alice, 'repo'), remote)).toMatch(/^blocked/);
    expect(isHeld(announced)).toBe(false);
  });

  it('is removed by a deletion request of its author, by id and by address, and of nobody else', async () => {
    const announced = announcement(alice, 'repo');
    await here.submit(announced);
    const following = state(alice, 'repo', ['refs/heads/main', sha1]);
    await here.submit(following);
    await here.submit(event(bob, 5, [['e', announced.id]]));
    expect(isHeld(announced)).toBe(true);
    expect(await here.submit(event(alice, 5, [['e', following.id]]))).toBe('stored');
    expect([isHeld(announced), isHeld(following)]).toEqual([true, false]);
    expect(await here.submit(event(alice, 5, [['a', address(alice, 'repo')]]))).toBe('stored');
    expect(isHeld(announced)).toBe(false);
    expect(await here.submit(announced)).toMatch(/^blocked: its author deleted/);
  });

  it('is replaced by a newer version that another relay sent, which is stored at once', async () => {
    const [announced, newer] = [announcement(alice, 'repo'), announcement(alice, 'repo')];
    await here.submit(announced);
    expect(await here.submit(newer, remote)).toBe('stored');
    await here.admission.announced();
    expect(isHeld(announced)).toBe(false);
    expect(here.directory.isServed(repository)).toBe(true);
  });

  it('is stored at once when another relay sends an earlier version: it is the newer one of a stored one', async () => {
    const [older, newer] = [announcement(alice, 'repo'), announcement(alice, 'repo')];
    await here.submit(newer);
    expect(await here.submit(older, remote)).toBe('stored');
    await here.admission.announced();
    await clock.advance(1);
    expect(here.store.ids({ kinds: [30617] })).toEqual([newer.id]);
    expect(isHeld(newer)).toBe(false);
  });

  it('that expires by its own tag (NIP-40) is not stored any more', async () => {
    const expiring = announcement(alice, 'repo', {
      tags: [['expiration', String(clock.now() / 1_000 + 60)]],
    });
    await here.submit(expiring);
    await clock.advance(2 * minuteMs);
    expect((await here.arrive(expiring)).type).toBe('refused');
    expect(isHeld(expiring)).toBe(false);
  });
});

describe('What hangs on a held event', () => {
  const issue = () => event(bob, 1621, [['a', address(alice, 'repo')]]);
  const commentOn = ({ id }: NostrEvent) => event(carol, 1111, [['E', id]]);

  it('is stored after it, in chains, and is told of in that order', async () => {
    const announced = announcement(alice, 'repo');
    const asked = issue();
    const comment = commentOn(asked);
    for (const each of [announced, asked, comment]) expect(await here.submit(each)).toBe('held');
    expect(here.examined).toEqual([announced]);
    await here.arrive(announced);
    await clock.advance(1);
    expect(fed).toEqual([announced.id, asked.id, comment.id]);
    expect([...here.purgatory.all()]).toEqual([]);
  });

  it('is not stored before it, whatever git data is here', async () => {
    const announced = announcement(alice, 'repo');
    const request = pullRequest(bob, [address(alice, 'repo')]);
    await here.submit(announced);
    await here.submit(request);
    expect((await here.arrive(request)).type).toBe('held');
    expect(isHeld(request)).toBe(true);
    expect(fed).toEqual([]);
  });

  it('waits for its own commit, where it is a pull request, once the announcement is stored', async () => {
    const announced = announcement(alice, 'repo');
    const request = pullRequest(bob, [address(alice, 'repo')]);
    await here.submit(announced);
    await here.submit(request);
    expect(here.examined).toEqual([announced]);
    await here.arrive(announced);
    await clock.advance(1);
    expect(isHeld(request)).toBe(true);
    expect(here.purgatory.get(request.id)?.parents).toEqual([]);
    expect(here.examined).toEqual([announced, request]);
    await here.arrive(request);
    expect(fed).toEqual([announced.id, request.id]);
  });

  it('goes with it, in chains, and is tried again when what it missed comes from another relay', async () => {
    const announced = announcement(alice, 'repo');
    const asked = issue();
    const comment = commentOn(asked);
    for (const each of [announced, asked, comment]) await here.submit(each);
    await clock.advance(30 * minuteMs);
    await sweep();
    expect([...here.purgatory.all()]).toEqual([]);
    expect(here.refused.reasonFor(announced.id)).toBe(heldReason);
    expect(here.refused.reasonFor(asked.id)).toBe(notRelated);
    const wanted: string[] = [];
    here.admission.onWanted((ids) => wanted.push(...ids));
    await here.submit(announcement(alice, 'repo'), remote);
    await here.admission.announced();
    await clock.advance(1);
    expect(wanted).toEqual([asked.id]);
    expect(await here.submit(asked, remote)).toBe('stored');
  });

  it('goes with it however many hang on one another', async () => {
    const announced = announcement(alice, 'repo');
    const chain = [issue()];
    for (let at = 0; at < 3_000; at += 1)
      chain.push(event(key(at % 9), 1111, [['E', (chain.at(-1) as NostrEvent).id]]));
    for (const each of [announced, ...chain]) await here.submit(each);
    expect([...here.purgatory.all()]).toHaveLength(3_002);
    await here.submit(event(alice, 5, [['e', announced.id]]));
    await clock.advance(1);
    expect([...here.purgatory.all()]).toHaveLength(0);
  });

  it('goes when it hangs on nothing but one another', async () => {
    const announced = announcement(alice, 'repo');
    const page = (author: string, other: string) =>
      event(author, 30_023, [
        ['d', 'page'],
        ['a', `30023:${other}:page`],
        ['a', address(alice, 'repo')],
      ]);
    await here.submit(announced);
    await here.submit(page(bob, carol));
    await here.submit(page(carol, bob));
    await here.submit(event(alice, 5, [['e', announced.id]]));
    await clock.advance(1);
    expect([...here.purgatory.all()]).toHaveLength(0);
  });

  it('hangs on the version that replaced it, where it names the address', async () => {
    const [older, newer] = [announcement(alice, 'repo'), announcement(alice, 'repo')];
    const asked = issue();
    const byId = event(bob, 1621, [['e', older.id]]);
    for (const each of [older, asked, byId, newer]) expect(await here.submit(each)).toBe('held');
    await clock.advance(1);
    expect(here.purgatory.get(asked.id)?.parents).toEqual([newer.id]);
    expect(isHeld(byId)).toBe(false);
  });

  it('is neither judged nor written again when a state is replaced whose address it names', async () => {
    const announced = announcement(alice, 'repo');
    const older = state(alice, 'repo', ['refs/heads/main', sha1]);
    const newer = state(alice, 'repo', ['refs/heads/main', '2'.repeat(40)]);
    const asked = event(bob, 1621, [
      ['a', address(alice, 'repo')],
      ['a', `30618:${alice}:repo`],
    ]);
    const byId = event(bob, 1621, [['e', older.id]]);
    for (const each of [announced, older, asked, byId]) await here.submit(each);
    const judged = vi.spyOn(here.purgatory, 'relativesOf');
    expect(new Set(here.purgatory.get(asked.id)?.parents)).toEqual(new Set([announced.id, older.id]));
    const put = vi.spyOn(here.journal, 'put');
    await here.submit(newer);
    await clock.advance(1);
    expect(new Set(here.purgatory.get(asked.id)?.parents)).toEqual(new Set([announced.id, newer.id]));
    expect(put.mock.calls.map(([name]) => name)).toEqual([`held:${newer.id}`]);
    expect(judged).not.toHaveBeenCalledWith(asked);
    expect(isHeld(byId), 'it names what nobody will ever see').toBe(false);
    await here.submit(event(alice, 5, [['a', address(alice, 'repo')]]));
    await clock.advance(1);
    expect([...here.purgatory.all()]).toEqual([]);
  });

  it('is found anew in turns when that is replaced, however much hangs on it and however often', async () => {
    clock = new BusyClock(Date.UTC(2026, 0, 1), limits.backgroundSliceMsMax);
    await open();
    await here.submit(announcement(alice, 'repo'));
    const issues = Array.from({ length: 20 }, issue);
    for (const each of issues) expect(await here.submit(each)).toBe('held');
    const hangOn = vi.spyOn(here.purgatory, 'hangOn');
    for (let version = 0; version < 3; version += 1)
      expect(await here.submit(announcement(alice, 'repo'))).toBe('held');
    expect(hangOn.mock.calls.length).toBeLessThan(20);
    const standing = here.purgatory.announcementOf(repository)!.event;
    const hangingOn = () => [...here.purgatory.idsIn({ type: 'hanging-on', name: standing.id })];
    await vi.waitFor(() => expect(hangingOn()).toHaveLength(20));
    expect(hangOn.mock.calls.length).toBeLessThan(30);
  });

  it('is looked at again once, however often it is doubted before', async () => {
    await here.submit(announcement(alice, 'repo'));
    const asked = issue();
    await here.submit(asked);
    const decide = vi.fn(() => ({ type: 'hold', effects: [], parents: [] }) as const);
    const { promise, resolve } = deferred<void>();
    const turns = { isOver: true, next: () => promise, spend: () => {} };
    const desk = new HoldingDesk(turns, {
      purgatory: here.purgatory,
      store: here.store,
      policy: { decide },
      failures: { attempt: (_id: string, step: () => void) => step(), noteLate: () => {} },
      effects: { run: () => {} },
      examine: async () => 'waits',
      clock,
    } as unknown as ConstructorParameters<typeof HoldingDesk>[1]);
    const doubted = (id: string): HeldSet => ({ type: 'event', name: id });
    const all = () => [...here.purgatory.all()].map(({ event: { id } }) => doubted(id));
    for (let at = 0; at < 5; at += 1) desk.reconsider(all());
    resolve();
    await clock.advance(1);
    expect(decide).toHaveBeenCalledTimes(2);
    desk.reconsider([doubted(asked.id)]);
    await clock.advance(1);
    expect(decide, 'again, when it is doubted after').toHaveBeenCalledTimes(3);
  });

  it('of maintainers, is let go when what gave them a say goes', async () => {
    await here.submit(announcement(alice, 'repo', { maintainers: [bob] }));
    const named = foreign(bob, 'repo');
    const following = state(bob, 'repo', ['refs/heads/main', sha1]);
    expect(await here.submit(named)).toBe('held');
    expect(await here.submit(following)).toBe('held');
    await here.submit(event(alice, 5, [['a', address(alice, 'repo')]]));
    await clock.advance(1);
    expect([...here.purgatory.all()]).toEqual([]);
  });
});

describe('An announcement that expired', () => {
  async function expire(): Promise<NostrEvent> {
    const announced = announcement(alice, 'repo');
    await here.submit(announced);
    await clock.advance(30 * minuteMs);
    await sweep();
    return announced;
  }

  it('is revived by a state of its author within a day', async () => {
    const announced = await expire();
    const following = state(alice, 'repo', ['refs/heads/main', sha1]);
    expect(await here.submit({ ...following, sig: 'f'.repeat(128) })).toMatch(/^invalid: the signature/);
    expect(isHeld(announced)).toBe(false);
    expect(await here.submit(following)).toBe('held');
    expect([isHeld(announced), isHeld(following)]).toEqual([true, true]);
    expect(here.examined.map(({ id }) => id)).toEqual([announced.id, announced.id, following.id]);
  });

  it('is revived by the state that lapsed with it, when its author sends that again', async () => {
    const announced = announcement(alice, 'repo');
    const following = state(alice, 'repo', ['refs/heads/main', sha1]);
    for (const each of [announced, following]) await here.submit(each);
    await clock.advance(31 * minuteMs);
    await sweep();
    expect([isHeld(announced), isHeld(following)]).toEqual([false, false]);
    expect(await here.submit(following, remote)).toBe(heldReason);
    expect(isHeld(announced)).toBe(false);
    expect(await here.submit(following)).toBe('held');
    expect([isHeld(announced), isHeld(following)]).toEqual([true, true]);
  });

  it('is not revived by others, after a day, nor when it was deleted', async () => {
    const announced = await expire();
    expect(await here.submit(state(bob, 'repo'))).toMatch(/^invalid: no announcement/);
    await here.submit(event(alice, 5, [['e', announced.id]]));
    expect(await here.submit(state(alice, 'repo'))).toMatch(/^invalid: no announcement/);
    await open();
    await expire();
    await clock.advance(24 * 60 * minuteMs);
    expect(await here.admission.holding?.revive(repository)).toBe(true);
    await expire();
    await clock.advance(24 * 60 * minuteMs);
    await sweep();
    expect(await here.admission.holding?.revive(repository)).toBe(false);
  });

  it('is not asked of other relays, and taken from its author', async () => {
    const announced = await expire();
    expect(here.refused.reasonFor(announced.id)).toBe(heldReason);
    expect(await here.submit(announced, remote)).toBe(heldReason);
    expect(await here.submit(announced)).toBe('held');
    await here.arrive(announced);
    expect(here.store.has(announced.id)).toBe(true);
  });
});

describe('What other relays send', () => {
  it('is not held: nobody is about to push for it', async () => {
    const announced = announcement(alice, 'repo');
    const request = pullRequest(bob, [address(alice, 'repo')]);
    for (const each of [announced, state(alice, 'repo', ['refs/heads/main', sha1]), request])
      expect(await here.submit(each, remote)).toBe('stored');
    expect([...here.purgatory.all()]).toEqual([]);
    expect(here.examined).toEqual([]);
  });

  it('is refused as before where it hangs on held events alone, and tried again when those are stored', async () => {
    const announced = announcement(alice, 'repo');
    const asked = event(bob, 1621, [['a', address(alice, 'repo')]]);
    const following = state(alice, 'repo', ['refs/heads/main', sha1]);
    await here.submit(announced);
    expect(await here.submit(asked, remote)).toBe(notRelated);
    expect(await here.submit(following, remote)).toBe('invalid: author not authorized for this repository');
    await here.arrive(announced);
    await here.admission.announced();
    await clock.advance(1);
    expect(fed).toEqual([announced.id, asked.id, following.id]);
  });

  it('is known where it is held, and stays so when what it hangs on comes', async () => {
    const announced = announcement(alice, 'repo');
    const request = pullRequest(bob, [address(alice, 'repo')]);
    await here.submit(announced);
    await here.submit(request);
    const wanted: string[] = [];
    here.admission.onWanted((ids) => wanted.push(...ids));
    expect(await here.submit(request, remote)).toBe(heldReason);
    await here.arrive(announced);
    await here.admission.announced();
    await clock.advance(1);
    expect(wanted).toEqual([]);
    expect(here.refused.reasonFor(request.id)).toBe(heldReason);
  });
});

describe('A state whose value is no object id', () => {
  it('is held, and leaves alone what is served', async () => {
    await serve();
    const odd = state(alice, 'repo', ['refs/heads/main', 'abc123']);
    expect(await here.submit(odd)).toBe('held');
    expect(here.directory.stateOf(repository)).toBeUndefined();
    await clock.advance(30 * minuteMs);
    await sweep();
    expect(isHeld(odd)).toBe(false);
    expect(here.store.has(odd.id)).toBe(false);
  });
});

describe('After a start', () => {
  it('what was stored, and what lost its reason, is held no longer; the rest is', async () => {
    const announced = announcement(alice, 'repo');
    const other = announcement(bob, 'other');
    const asked = event(carol, 1621, [['a', address(alice, 'repo')]]);
    for (const each of [announced, other, asked]) await here.submit(each);
    // A crash after the events reached the disk, and before the journal followed.
    here.store.put(announced);
    await open({ ...here });
    await clock.advance(1);
    expect([...here.purgatory.all()].map((held) => held.event.id)).toEqual([other.id]);
    expect(here.store.has(asked.id)).toBe(true);
    expect(here.directory.isServed({ pubkey: bob, identifier: 'other' })).toBe(true);
  });

  it('is let go of in as many turns as that takes, however much was held until the same moment', async () => {
    clock = new BusyClock(Date.UTC(2026, 0, 1), limits.backgroundSliceMsMax);
    await open();
    const announced = announcement(alice, 'repo');
    const issues = Array.from({ length: 20 }, () => event(bob, 1621, [['a', address(alice, 'repo')]]));
    for (const held of [announced, ...issues]) expect(await here.submit(held)).toBe('held');
    await clock.advance(limits.heldMsMax);
    const left = () => [announced, ...issues].filter(isHeld).length;
    here.admission.holding?.sweep();
    for (let before = 21; before > 0; ) {
      const now = left();
      expect(before - now).toBeLessThanOrEqual(2);
      before = now;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await here.submit(announced)).toBe('held');
  });

  it('what hangs on what is found anew, before that goes whose time is over', async () => {
    const announced = announcement(alice, 'repo');
    const asked = event(carol, 1621, [['a', address(alice, 'repo')]]);
    const comments = [event(bob, 1111, [['E', asked.id]])];
    for (let at = 0; at < 9; at += 1) comments.push(event(bob, 1111, [['e', comments.at(-1)!.id]]));
    for (const each of [announced, asked, ...comments]) await here.submit(each);
    await clock.advance(20 * minuteMs);
    await here.submit(state(alice, 'repo', ['refs/heads/main', sha1]));
    await clock.advance(20 * minuteMs);
    await open({ ...here });
    await clock.advance(1);
    expect([asked, ...comments].map(isHeld)).not.toContain(false);
    expect(here.purgatory.get(comments[1]!.id)?.parents).toContain(comments[0]!.id);
    await here.submit(event(alice, 5, [['e', announced.id]]));
    await clock.advance(1);
    expect([...here.purgatory.all()]).toEqual([]);
  });

  it('what expired meanwhile is gone', async () => {
    const announced = announcement(alice, 'repo');
    await here.submit(announced);
    await clock.advance(30 * minuteMs);
    await open({ ...here });
    expect(isHeld(announced)).toBe(false);
    expect(here.directory.isServed(repository)).toBe(false);
  });
});

describe('What the operator imports', () => {
  it('waits for no git data, and ends the wait of what is held', async () => {
    const imported: EventSource = { type: 'import' };
    const announced = announcement(alice, 'repo');
    expect(await here.submit(announced)).toBe('held');
    expect(await here.submit(announced, imported)).toBe('stored');
    expect(isHeld(announced)).toBe(false);
    const declared = state(alice, 'repo', ['refs/heads/main', sha1]);
    expect(await here.submit(declared, imported)).toBe('stored');
    expect(here.examined).toEqual([announced]);
    await here.admission.announced();
    expect(fed).toEqual([announced.id, declared.id]);
  });

  it('does not hang on what is held', async () => {
    const announced = announcement(alice, 'repo');
    await here.submit(announced);
    const issue = event(bob, 1621, [['a', address(alice, 'repo')]]);
    expect(await here.submit(issue, { type: 'import' })).toBe(notRelated);
  });
});
