import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { localAddressGroup } from '../../src/lib/budgets/address-group.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { HeldIndex } from '../../src/purgatory/held-index.js';
import type { Purgatory } from '../../src/purgatory/purgatory.js';
import { address, announcement, event, key, pullRequest, state } from '../policy/world.js';
import { namesIn, openPurgatory } from './holding-world.js';

const hangingOn = (purgatory: Purgatory, { id }: NostrEvent): string[] => [
  ...purgatory.idsIn({ type: 'hanging-on', name: id }),
];

const minuteMs = 60_000;
const owner = key(1);
const repository = { pubkey: owner, identifier: 'repo' };

async function hold(
  purgatory: Purgatory,
  held: NostrEvent,
  more: { parents?: string[]; addressGroup?: string } = {},
): Promise<string> {
  const { parents = [], addressGroup = '192.0.2.1' } = more;
  const holding = purgatory.hold(held, { parents, addressGroup });
  if ('refusal' in holding) return holding.refusal;
  await holding.written;
  return 'held';
}

const dueIds = (purgatory: Purgatory): string[] => purgatory.due().map(({ event: { id } }) => id);

describe('What is held', () => {
  it('is found by id, by address, by identifier newest first, and by the repository that a pull request names', async () => {
    const { purgatory } = await openPurgatory();
    const announced = announcement(owner, 'repo');
    const [older, newer, elsewhere] = [state(key(2), 'repo'), state(owner, 'repo'), state(owner, 'other')];
    const request = pullRequest(key(3), [address(owner, 'repo'), address(key(4), 'repo')]);
    const comment = event(key(5), 1111, [['A', address(owner, 'repo')]]);
    for (const each of [announced, newer, older, elsewhere, request, comment]) await hold(purgatory, each);
    expect(purgatory.has(announced.id)).toBe(true);
    expect(purgatory.get(announced.id)?.event).toEqual(announced);
    expect(purgatory.announcementOf(repository)?.event.id).toBe(announced.id);
    expect(purgatory.announcementOf({ ...repository, pubkey: key(2) })).toBeUndefined();
    expect([...purgatory.idsIn({ type: 'states-of', name: 'repo' })]).toEqual([newer.id, older.id]);
    const by = (isPicked: (author: string) => boolean, identifier = 'repo') =>
      purgatory
        .statesBy(identifier, (authors) => [...authors.keys()].filter(isPicked))
        .map((held) => held.event.id);
    expect(by((author) => author === key(2))).toEqual([older.id]);
    expect(by(() => true)).toEqual([newer.id, older.id]);
    expect(by(() => true, 'none')).toEqual([]);
    expect(purgatory.pullRequest(request.id)?.event.id).toBe(request.id);
    expect(purgatory.pullRequest(comment.id)).toBeUndefined();
    expect(purgatory.pullRequestsOf(repository).map((held) => held.event.id)).toEqual([request.id]);
    expect(purgatory.pullRequestsOf({ ...repository, identifier: 'other' })).toEqual([]);
  });

  it('is told of when it comes and when it goes, once each', async () => {
    const { purgatory, told } = await openPurgatory();
    const announced = announcement(owner, 'repo');
    await hold(purgatory, announced);
    await hold(purgatory, announced);
    await purgatory.renew(announced.id);
    await purgatory.release(announced.id, 'promoted');
    await purgatory.release(announced.id, 'promoted');
    expect(told).toEqual([
      ['held', announced.id],
      ['released', announced.id],
    ]);
  });

  it('is replaced by a newer version, and never by an older one', async () => {
    const { purgatory, journal } = await openPurgatory();
    const [older, newer] = [state(owner, 'repo'), state(owner, 'repo', ['HEAD', 'ref: refs/heads/main'])];
    await hold(purgatory, older);
    await hold(purgatory, newer);
    expect([...purgatory.idsIn({ type: 'states-of', name: 'repo' })]).toEqual([newer.id]);
    expect(purgatory.versionOf(older)?.event.id).toBe(newer.id);
    expect(purgatory.versionOf(newer)).toBeUndefined();
    expect(() => purgatory.hold(older, { addressGroup: undefined, parents: [] })).toThrow('newer');
    expect(await namesIn(journal)).toEqual([`held:${newer.id}`]);
  });

  it('is related to what it refers to and to what refers to it, by id and by address', async () => {
    const { purgatory } = await openPurgatory();
    const announced = announcement(owner, 'repo');
    const issue = event(key(2), 1621, [
      ['a', address(owner, 'repo')],
      ['e', 'e'.repeat(64)],
    ]);
    await hold(purgatory, announced);
    await hold(purgatory, issue, { parents: [announced.id] });
    const comment = event(key(3), 1111, [['E', issue.id]]);
    const quoted = event(key(3), 1111, [], { id: 'e'.repeat(64) });
    expect(purgatory.relativesOf(comment)).toEqual([issue.id]);
    expect(purgatory.relativesOf({ ...quoted, id: 'e'.repeat(64) })).toEqual([issue.id]);
    expect(purgatory.relativesOf(announcement(owner, 'repo'))).toEqual(expect.arrayContaining([issue.id]));
    expect(purgatory.relativesOf(event(key(3), 1111, [['a', address(owner, 'other')]]))).toEqual([]);
    expect(hangingOn(purgatory, announced)).toEqual([issue.id]);
    await purgatory.release(issue.id, 'deleted');
    expect(purgatory.relativesOf(comment)).toEqual([]);
    expect(hangingOn(purgatory, announced)).toEqual([]);
  });
});

describe('What is related to a held event', () => {
  it('leaves out what is held for its sake alone, however many and however far', async () => {
    const { purgatory } = await openPurgatory();
    const [root, other] = [announcement(owner, 'repo'), announcement(owner, 'other')];
    const subject = event(key(2), 30_023, [
      ['d', 'page'],
      ['a', address(owner, 'repo')],
    ]);
    const naming = (more: string[][]) => event(key(3), 1111, [['a', `30023:${key(2)}:page`], ...more]);
    const elsewhere = naming([['a', address(owner, 'other')]]);
    const chain = [naming([])];
    for (const held of [root, other]) await hold(purgatory, held);
    await hold(purgatory, subject, { parents: [root.id] });
    await hold(purgatory, chain[0]!, { parents: [subject.id] });
    for (let at = 0; at < 900; at += 1) {
      const last = chain.at(-1)!.id;
      chain.push(naming([['e', last]]));
      await hold(purgatory, chain.at(-1)!, { parents: [subject.id, last] });
    }
    await hold(purgatory, elsewhere, { parents: [subject.id, other.id] });
    expect(new Set(purgatory.relativesOf(subject))).toEqual(new Set([root.id, elsewhere.id]));
    await purgatory.release(root.id, 'deleted');
    expect(purgatory.relativesOf(subject)).toEqual([elsewhere.id]);
    await purgatory.release(other.id, 'deleted');
    expect(purgatory.relativesOf(subject)).toEqual([]);
  });
});

describe('The relatives of an event', () => {
  it('are a number of those that name it, and all that it names first', async () => {
    const { purgatory } = await openPurgatory();
    const name = { id: 'e'.repeat(64) };
    const naming = Array.from({ length: limits.heldRelativesMax + 1 }, () =>
      event(key(2), 1111, [['e', name.id]]),
    );
    const root = announcement(owner, 'repo');
    for (const [at, held] of [...naming, root].entries())
      await hold(purgatory, held, { addressGroup: `192.0.2.${at % 2}` });
    const relatives = purgatory.relativesOf({
      ...event(key(3), 1111, [['a', address(owner, 'repo')]]),
      ...name,
    });
    expect(relatives).toEqual([root.id, ...naming.slice(0, limits.heldRelativesMax - 1).map(({ id }) => id)]);
  });
});

describe('What a held event hangs on', () => {
  it('may change, and nothing is written for it', async () => {
    const { purgatory, journal } = await openPurgatory();
    const put = vi.spyOn(journal, 'put');
    const [first, second] = [announcement(owner, 'first'), announcement(owner, 'second')];
    const issue = event(key(2), 1621, []);
    for (const each of [first, second]) await hold(purgatory, each);
    await hold(purgatory, issue, { parents: [first.id] });
    put.mockClear();
    expect(purgatory.hangOn(issue.id, [first.id, second.id])).toBe(true);
    expect(purgatory.hangOn(issue.id, [second.id, first.id]), 'the same in another order').toBe(false);
    const namesOf = (named: NostrEvent) => hangingOn(purgatory, named);
    expect([namesOf(first), namesOf(second)]).toEqual([[issue.id], [issue.id]]);
    expect(purgatory.hangOn(issue.id, [second.id])).toBe(true);
    expect([namesOf(first), namesOf(second)]).toEqual([[], [issue.id]]);
    await purgatory.release(issue.id, 'deleted');
    expect(namesOf(second)).toEqual([]);
    expect(purgatory.hangOn(issue.id, [first.id])).toBe(false);
    expect(put).not.toHaveBeenCalled();
  });

  it('is followed down to what waits for git data once, however many hang on the same', async () => {
    const { purgatory } = await openPurgatory();
    let looks = 0;
    const counted = (parents: string[]) =>
      new Proxy(parents, {
        get(target, name) {
          if (name === 'length') looks += 1;
          return Reflect.get(target, name) as unknown;
        },
      });
    const announced = announcement(owner, 'repo');
    await hold(purgatory, announced);
    let last = announced.id;
    for (let at = 0; at < 200; at += 1) {
      const link = event(key(2), 1111, [['E', last]]);
      await hold(purgatory, link, { parents: counted([last]) });
      last = link.id;
    }
    const leaves = Array.from({ length: 200 }, () => event(key(3), 1111, [['E', last]]));
    for (const leaf of leaves) await hold(purgatory, leaf, { parents: counted([last]) });
    const ids = leaves.map(({ id }) => id);
    const naming = event(
      key(4),
      1111,
      ids.map((id) => ['e', id]),
    );
    await hold(purgatory, naming, { parents: ids });
    looks = 0;
    expect(purgatory.relativesOf(naming)).toEqual(ids);
    expect(looks).toBeLessThan(2_000);
  });
});

describe('The time of what is held', () => {
  it('is half an hour, and begins anew with what is waited for', async () => {
    const { purgatory, clock } = await openPurgatory();
    const [first, second] = [announcement(owner, 'first'), announcement(owner, 'second')];
    await hold(purgatory, first);
    await hold(purgatory, second);
    await clock.advance(20 * minuteMs);
    await purgatory.renew(second.id);
    await clock.advance(10 * minuteMs - 1);
    expect(dueIds(purgatory)).toEqual([]);
    await clock.advance(1);
    expect(dueIds(purgatory)).toEqual([first.id]);
    await clock.advance(20 * minuteMs);
    expect(dueIds(purgatory)).toEqual([first.id, second.id]);
  });

  it('is that of its parents, where it hangs on something held', async () => {
    const { purgatory, clock } = await openPurgatory();
    const announced = announcement(owner, 'repo');
    const issue = event(key(2), 1621, [['a', address(owner, 'repo')]]);
    await hold(purgatory, announced);
    await hold(purgatory, issue, { parents: [announced.id] });
    await clock.advance(20 * minuteMs);
    await purgatory.renew(announced.id);
    await clock.advance(20 * minuteMs);
    expect(dueIds(purgatory)).toEqual([]);
    await purgatory.release(announced.id, 'expired');
    expect(dueIds(purgatory)).toEqual([issue.id]);
  });

  it('passes while the process is down, and what waits is there after it', async () => {
    const { journal, clock, purgatory } = await openPurgatory();
    const announced = announcement(owner, 'repo');
    const issue = event(key(2), 1621, [['a', address(owner, 'repo')]]);
    await hold(purgatory, announced);
    await hold(purgatory, issue, { parents: [announced.id] });
    await clock.advance(29 * minuteMs);
    const next = (await openPurgatory({ journal, clock })).purgatory;
    expect(next.get(issue.id)).toEqual({ ...purgatory.get(issue.id), parents: [] });
    expect(next.hangOn(issue.id, [announced.id])).toBe(true);
    expect([...next.all()]).toEqual([...purgatory.all()]);
    expect(hangingOn(next, announced)).toEqual([issue.id]);
    expect(dueIds(next)).toEqual([]);
    await clock.advance(minuteMs);
    expect(dueIds((await openPurgatory({ journal, clock })).purgatory)).toEqual([announced.id, issue.id]);
  });

  it('is written down, and not each time', async () => {
    const { purgatory, clock, journal } = await openPurgatory();
    const announced = announcement(owner, 'repo');
    await hold(purgatory, announced);
    const heldAtMs = clock.now();
    await clock.advance(limits.heldRenewalMsMin - 1);
    await purgatory.renew(announced.id);
    const deadline = async () =>
      (await openPurgatory({ journal, clock })).purgatory.get(announced.id)?.deadlineMs;
    expect(await deadline()).toBe(heldAtMs + limits.heldMsMax);
    await clock.advance(1);
    await purgatory.renew(announced.id);
    expect(await deadline()).toBe(clock.now() + limits.heldMsMax);
  });
});

describe('An announcement that expired', () => {
  it('is remembered for a day, across restarts', async () => {
    const { purgatory, clock, journal } = await openPurgatory();
    const announced = announcement(owner, 'repo');
    await hold(purgatory, announced);
    await clock.advance(30 * minuteMs);
    await purgatory.release(announced.id, 'expired');
    expect(purgatory.lapsedAnnouncementOf(repository)?.event).toEqual(announced);
    const next = (await openPurgatory({ journal, clock })).purgatory;
    expect(next.lapsedAnnouncementOf(repository)?.event).toEqual(announced);
    await clock.advance(24 * 60 * minuteMs - 1);
    await next.sweepLapsed();
    expect(next.lapsedAnnouncementOf(repository)).toBeDefined();
    await clock.advance(1);
    await next.sweepLapsed();
    expect(next.lapsedAnnouncementOf(repository)).toBeUndefined();
    expect(await namesIn(journal)).toEqual([]);
  });

  it('is not remembered beside one that is held, nor when it was deleted', async () => {
    const { purgatory, journal } = await openPurgatory();
    const [first, second] = [announcement(owner, 'repo'), announcement(owner, 'repo')];
    await hold(purgatory, first);
    await purgatory.release(first.id, 'expired');
    await hold(purgatory, second);
    expect(purgatory.lapsedAnnouncementOf(repository)).toBeUndefined();
    expect(await namesIn(journal)).toEqual([`held:${second.id}`]);
    await purgatory.release(second.id, 'deleted');
    expect(purgatory.lapsedAnnouncementOf(repository)).toBeUndefined();
    expect(await namesIn(journal)).toEqual([]);
  });

  it('gives way to younger ones where they take too many bytes', async () => {
    const { purgatory } = await openPurgatory();
    const bytes = limits.heldKeyBytesMax / 2;
    const count = Math.ceil(limits.lapsedAnnouncementBytesMax / bytes);
    const identifiers = Array.from({ length: count }, (_, at) => `repo-${at}`);
    for (const identifier of identifiers) {
      const large = { ...announcement(owner, identifier), content: 'x'.repeat(bytes) };
      expect(await hold(purgatory, large)).toBe('held');
      await purgatory.release(large.id, 'expired');
    }
    const isRemembered = (identifier: string) =>
      purgatory.lapsedAnnouncementOf({ pubkey: owner, identifier }) !== undefined;
    expect(identifiers.map(isRemembered)).toEqual(identifiers.map((_, at) => at > 0));
  });
});

describe('A deletion request', () => {
  it('takes what its author has held, by id and by address, and nothing of others', async () => {
    const { purgatory } = await openPurgatory();
    const [mine, older, theirs] = [pullRequest(owner, []), state(owner, 'repo'), pullRequest(key(2), [])];
    const request = event(owner, 5, [
      ['e', mine.id],
      ['e', theirs.id],
      ['a', `30618:${owner}:repo`],
      ['a', `30618:${owner}:later`],
    ]);
    const later = state(owner, 'later');
    for (const each of [mine, older, theirs, later]) await hold(purgatory, each);
    expect(purgatory.deletedBy(request).map((held) => held.event.id)).toEqual([mine.id, older.id]);
    expect(purgatory.deletedBy({ ...request, kind: 1 })).toEqual([]);
  });
});

describe('Too much', () => {
  it('of one key is refused, in events, in bytes and in repositories, whatever its address', async () => {
    const { purgatory } = await openPurgatory({
      settings: { keyHeldRepositoriesMax: 2, heldRepositoriesMax: 9 },
    });
    const groups = ['192.0.2.1', '192.0.2.2', localAddressGroup];
    for (const [at, identifier] of ['a', 'b'].entries())
      expect(await hold(purgatory, announcement(owner, identifier), { addressGroup: groups[at]! })).toBe(
        'held',
      );
    const third = announcement(owner, 'c');
    expect(await hold(purgatory, third, { addressGroup: localAddressGroup })).toMatch(
      /^restricted: this key may have 2 repositories/,
    );
    expect(purgatory.has(third.id)).toBe(false);
    expect(await hold(purgatory, announcement(key(2), 'c'))).toBe('held');
    expect(await hold(purgatory, announcement(owner, 'b')), 'in the place of another').toBe('held');
    const large = { ...pullRequest(owner, []), content: 'x'.repeat(limits.heldKeyBytesMax) };
    expect(await hold(purgatory, large)).toMatch(/^restricted: this key may have \d+ bytes/);
    for (let at = 2; at < limits.heldKeyEventsMax; at += 1) await hold(purgatory, pullRequest(owner, []));
    expect(await hold(purgatory, pullRequest(owner, []))).toMatch(
      /^restricted: this key may have 1000 events/,
    );
    await purgatory.release([...purgatory.all()][0]!.event.id, 'expired');
    expect(await hold(purgatory, pullRequest(owner, []))).toBe('held');
  });

  it('from one address is refused, but not from this machine', async () => {
    const { purgatory } = await openPurgatory({
      settings: { keyHeldRepositoriesMax: 1, heldRepositoriesMax: 5_000 },
    });
    for (let at = 0; at < limits.heldAddressRepositoriesMax; at += 1)
      expect(await hold(purgatory, announcement(key(at), 'repo'))).toBe('held');
    expect(await hold(purgatory, announcement(key(9_999), 'repo'))).toMatch(
      /^rate-limited: one address may have 300 repositories/,
    );
    const others = { addressGroup: '2001:db8::/64' };
    expect(await hold(purgatory, announcement(key(9_999), 'repo'), others)).toBe('held');
    for (let at = 10_000; at < 10_000 + limits.heldAddressRepositoriesMax + 1; at += 1) {
      const local = { addressGroup: localAddressGroup };
      expect(await hold(purgatory, announcement(key(at), 'repo'), local)).toBe('held');
    }
  });

  it('in all is refused, and counted by whose limit it was', async () => {
    const { purgatory, registry } = await openPurgatory({
      settings: { keyHeldRepositoriesMax: 1, heldRepositoriesMax: 2 },
    });
    for (const number of [1, 2]) await hold(purgatory, announcement(key(number), 'repo'));
    expect(await hold(purgatory, announcement(key(3), 'repo'))).toMatch(
      /^rate-limited: this relay takes 2 repositories/,
    );
    expect(await registry.metrics()).toContain('ngit_purgatory_refused_total{limit="all"} 1');
  });
});

describe('The time of what waits for the same', () => {
  it('begins anew in slices of turns, and is written before that settles', async () => {
    const { purgatory, journal, clock } = await openPurgatory();
    const held = Array.from({ length: 6 }, (_, at) => announcement(key(at), 'repo'));
    for (const each of held) await hold(purgatory, each);
    await clock.advance(20 * minuteMs);
    const turns: (() => void)[] = [];
    let looks = 0;
    const put = vi.spyOn(journal, 'put');
    const renewed = purgatory.renewAll(
      held.map(({ id }) => id),
      {
        get isOver() {
          looks += 1;
          return looks % 3 === 0;
        },
        next: () => new Promise((resolve) => turns.push(resolve)),
      },
    );
    expect(put).toHaveBeenCalledTimes(2);
    for (let next = turns.shift(); next !== undefined; next = turns.shift()) {
      next();
      await clock.advance(0);
    }
    await renewed;
    expect(put).toHaveBeenCalledTimes(6);
    await clock.advance(20 * minuteMs);
    expect(purgatory.due()).toEqual([]);
  });
});

describe('Where there is no room in all, what gives way to an event', () => {
  const [many, few, none] = ['192.0.2.1', '192.0.2.2', '2001:db8::/64'];

  /** As many repositories are held as may be, of two addresses. */
  async function full() {
    const opened = await openPurgatory({ settings: { keyHeldRepositoriesMax: 9, heldRepositoriesMax: 6 } });
    const { purgatory, clock } = opened;
    const held: NostrEvent[] = [];
    for (const [at, addressGroup] of [many, few, many, many, few, many].entries()) {
      held.push(announcement(key(at), 'repo'));
      await hold(purgatory, held[at]!, { addressGroup });
      await clock.advance(minuteMs);
    }
    const giving = (event: NostrEvent, addressGroup: string | undefined) =>
      purgatory
        .givingWayTo(event, { addressGroup })
        .map(({ event: { id } }) => held.findIndex((each) => each.id === id));
    return { ...opened, held, giving };
  }

  it('is of the address that has the most, and what has been held longest, for one that has fewer', async () => {
    const { purgatory, held, giving } = await full();
    const next = announcement(key(9), 'repo');
    expect(giving(next, none)).toEqual([0]);
    expect(giving(next, few)).toEqual([0]);
    expect(giving(next, localAddressGroup)).toEqual([0]);
    await purgatory.renew(held[0]!.id);
    expect(giving(next, few)).toEqual([2]);
    expect(giving(pullRequest(key(9), []), few)).toEqual([]);
  });

  it('is found among what came from that address, in its order also after a start', async () => {
    const { purgatory, journal, clock, held } = await full();
    await purgatory.renew(held[0]!.id);
    const { purgatory: next } = await openPurgatory({
      ...{ journal, clock, settings: { keyHeldRepositoriesMax: 9, heldRepositoriesMax: 6 } },
    });
    const lookAtAll = vi.spyOn(HeldIndex.prototype, 'all');
    for (const each of [purgatory, next])
      expect(each.givingWayTo(announcement(key(9), 'repo'), { addressGroup: few })).toMatchObject([
        { event: { id: held[2]!.id } },
      ]);
    expect(lookAtAll).not.toHaveBeenCalled();
    lookAtAll.mockRestore();
  });

  it('is nothing for an address that has as many, or for what replaces another, or is refused all the same', async () => {
    const { purgatory, held, giving } = await full();
    const next = announcement(key(9), 'repo');
    expect(giving(next, many)).toEqual([]);
    expect(giving(announcement(key(0), 'repo'), few)).toEqual([]);
    await purgatory.release(held[0]!.id, 'expired');
    expect(giving(next, few)).toEqual([]);
    await hold(purgatory, next, { addressGroup: few });
    expect(giving(announcement(key(10), 'repo'), few)).toEqual([]);
    expect(giving(announcement(key(10), 'repo'), none)).toHaveLength(1);
  });

  it('is as much as it takes, in bytes too', async () => {
    const { purgatory } = await openPurgatory();
    const long = (number: number) => ({ ...pullRequest(key(number), []), content: 'x'.repeat(1_040_000) });
    const groups = Math.ceil(limits.heldBytesMax / limits.heldAddressBytesMax) + 1;
    let held = 0;
    for (let at = 0; at < 4 * groups; at += 1)
      if ((await hold(purgatory, long(at), { addressGroup: `192.0.2.${at % groups}` })) === 'held') held += 1;
    expect(held).toBeLessThan(4 * groups);
    const larger = { ...long(9_999), content: 'x'.repeat(1_900_000) };
    expect(purgatory.givingWayTo(larger, { addressGroup: none })).toHaveLength(2);
    expect(purgatory.givingWayTo(larger, { addressGroup: '192.0.2.1' })).toEqual([]);
  });
});

describe('Metrics', () => {
  it('tell what is held, by kind, since when, in bytes, and what became of it', async () => {
    const { purgatory, registry, clock } = await openPurgatory();
    const announced = announcement(owner, 'repo');
    await hold(purgatory, announced);
    await clock.advance(5_000);
    await hold(purgatory, event(key(2), 54_321, []));
    const states = [state(owner, 'repo'), state(owner, 'repo')];
    for (const each of states) await hold(purgatory, each);
    const text = await registry.metrics();
    expect(text).toContain('ngit_purgatory_events{kind="30617"} 1');
    expect(text).toContain('ngit_purgatory_events{kind="30618"} 1');
    expect(text).toContain('ngit_purgatory_events{kind="other"} 1');
    expect(text).toContain('ngit_purgatory_oldest_seconds 5');
    expect(text).toMatch(/ngit_purgatory_bytes [1-9]/);
    const fullness = Number(/^ngit_purgatory_full_ratio (.+)$/m.exec(text)?.[1]);
    expect(fullness).toBeGreaterThan(0);
    expect(fullness).toBeLessThanOrEqual(1);
    expect(text).toContain('ngit_purgatory_released_total{cause="replaced"} 1');
    for (const { event: held } of [...purgatory.all()]) await purgatory.release(held.id, 'promoted');
    const after = await registry.metrics();
    expect(after).toContain('ngit_purgatory_released_total{cause="promoted"} 3');
    expect(after).toContain('ngit_purgatory_bytes 0');
    expect(after).not.toContain('ngit_purgatory_events{');
  });
});

describe('A ref that was pushed before its event', () => {
  const id = 'a'.repeat(64);

  it('is waited for for 20 minutes, across restarts, and forgotten when told', async () => {
    const { purgatory, journal, clock } = await openPurgatory();
    const added = purgatory.awaited.add(repository, id, '192.0.2.1');
    if ('written' in added) await added.written;
    await clock.advance(20 * minuteMs - 1);
    const { awaited } = (await openPurgatory({ journal, clock })).purgatory;
    expect(awaited.has(repository, id)).toBe(true);
    expect(awaited.of(repository)).toEqual([id]);
    expect(awaited.repositoriesOf(id)).toEqual([repository]);
    expect(awaited.due()).toEqual([]);
    await clock.advance(1);
    expect(awaited.due()).toMatchObject([{ repository, eventId: id }]);
    await awaited.forget(repository, id);
    expect(awaited.due()).toEqual([]);
    expect(await namesIn(journal)).toEqual([]);
  });

  it('is of one repository, announced or of pull requests, and not of others that have one for the same event', async () => {
    const { awaited } = (await openPurgatory()).purgatory;
    const { pubkey, identifier } = repository;
    const ofPrs = { signer: pubkey, identifier };
    awaited.add(repository, id, '192.0.2.1');
    expect([awaited.has(repository, id), awaited.has(ofPrs, id)]).toEqual([true, false]);
    awaited.add(ofPrs, id, '192.0.2.1');
    await awaited.forget(repository, id);
    expect([awaited.has(repository, id), awaited.has(ofPrs, id)]).toEqual([false, true]);
    expect(awaited.repositoriesOf(id)).toEqual([ofPrs]);
  });

  it('has its time and its address from its first push, however often another commit follows', async () => {
    const { purgatory, journal, clock } = await openPurgatory();
    const { awaited } = purgatory;
    const add = async (addressGroup: string) => {
      const added = awaited.add(repository, id, addressGroup);
      if ('written' in added) await added.written;
    };
    await add('192.0.2.1');
    await clock.advance(20 * minuteMs - 1);
    await add('192.0.2.2');
    const later = (await openPurgatory({ journal, clock })).purgatory;
    await clock.advance(1);
    for (const each of [awaited, later.awaited])
      expect(each.due()).toMatchObject([{ repository, eventId: id, addressGroup: '192.0.2.1' }]);
    await awaited.forget(repository, id);
    await add('192.0.2.2');
    await clock.advance(20 * minuteMs - 1);
    expect(awaited.due(), 'one that was removed begins anew').toEqual([]);
  });

  it('is refused where too many are waited for, of one repository and from one address', async () => {
    const { awaited } = (await openPurgatory()).purgatory;
    const idOf = (at: number) => at.toString(16).padStart(64, '0');
    for (let at = 0; at < limits.awaitedPerRepositoryMax; at += 1)
      expect(awaited.add(repository, idOf(at), '192.0.2.1')).toHaveProperty('written');
    expect(awaited.add(repository, idOf(0), '192.0.2.1'), 'one that is known').toHaveProperty('written');
    expect(awaited.add(repository, idOf(999), '192.0.2.2')).toHaveProperty('refusal');
    for (let at = limits.awaitedPerRepositoryMax; at < limits.awaitedPerAddressMax; at += 1)
      awaited.add({ ...repository, identifier: String(at) }, idOf(at), '192.0.2.1');
    const elsewhere = { ...repository, identifier: 'elsewhere' };
    expect(awaited.add(elsewhere, idOf(999), '192.0.2.1')).toHaveProperty('refusal');
    expect(awaited.add(elsewhere, idOf(999), localAddressGroup)).toHaveProperty('written');
  });
});
