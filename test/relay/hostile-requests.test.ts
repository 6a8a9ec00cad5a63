import { afterEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { createReferenceKernels } from '../../src/kernels/reference/kernels.js';
import { AddressRemovals } from '../../src/relay/delivery/filter-removals.js';
import { WorkBudget } from '../../src/relay/work-budget.js';
import type { EventStore } from '../../src/store/event-store.js';
import { plainEvent, sessionWorld, type WorldOptions } from './fakes.js';

/** Ten thousand units of work in a millisecond. */
const unitsPerMs = 10_000;

/** The most that one turn may take: what is left of it, and one piece more, a filter of the most values at the worst. */
const turnUnitsMax = limits.requestTurnUnits + 16 * limits.filterValuesMax;

/** Requests as costly as they may be: many values that nothing has, values that everything has, and no list at all. */
const costly = [
  Array.from({ length: 20 }, (_, at) => ({ '#t': values(5_000, at * 5_000) })),
  Array.from({ length: 20 }, (_, at) => ({ '#t': values(4_900), since: at })),
  Array.from({ length: 6 }, (_, at) => ({ '#t': values(5_000), '#r': values(5_000), since: at })),
  Array.from({ length: 20 }, (_, since) => ({ since })),
];

function values(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, at) => (from + at).toString(36));
}

/** Such a world, and the matcher of its open subscriptions. */
function matcherWorld() {
  const kernels = createReferenceKernels();
  const matcher = kernels.createFilterMatcher();
  return { ...workingWorld({ kernels: { ...kernels, createFilterMatcher: () => matcher } }), matcher };
}

/** A world in which time passes only with work, and what was spent in each turn of the event loop. */
function workingWorld(options: WorldOptions = {}) {
  const world = sessionWorld(options);
  for (let number = 0; number < 3_000; number += 1)
    world.store.put(plainEvent(number, { tags: [['t', number.toString(36)]] }));
  let spent = 0;
  world.clock.monotonic = () => spent / unitsPerMs;
  const spend = WorkBudget.prototype.spend;
  vi.spyOn(WorkBudget.prototype, 'spend').mockImplementation(function (this: WorkBudget, units) {
    spent += units;
    spend.call(this, units);
  });
  const turn = async () => {
    const before = spent;
    await new Promise((resolve) => setImmediate(resolve));
    return spent - before;
  };
  return { ...world, turn, spent: () => spent };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('requests that cost much', () => {
  it('take no more than a slice and a filter of a turn, whatever is asked', async () => {
    const { client, turn } = workingWorld();
    for (const filters of costly) {
      for (const [type, ...rest] of [
        ['REQ', ...filters],
        ['COUNT', ...filters],
        ['NEG-OPEN', filters[0], '61'],
      ]) {
        const { send, outbox, session } = client();
        send(type, 's', ...rest);
        while (outbox.frames.every(([answer]) => answer === 'EVENT'))
          expect(await turn()).toBeLessThan(turnUnitsMax);
        expect(outbox.frames.at(-1)?.[0]).toMatch(/EOSE|COUNT|NEG-MSG/);
        session[Symbol.dispose]();
      }
    }
  });

  it('of ten clients without pause leave another client its answers within a few turns', async () => {
    const { client, turn, spent } = workingWorld();
    const hostile = Array.from({ length: 10 }, () => client());
    const attack = () => {
      for (const [at, { send, session }] of hostile.entries())
        if (!session.blocked) send(at % 2 === 0 ? 'REQ' : 'COUNT', 'x', ...(costly[at % 4] ?? []));
    };
    attack();
    while (spent() < 20 * limits.clientWorkUnitsMax) await turn();
    const waits: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      attack();
      const { send, outbox } = client();
      const before = spent();
      send('REQ', 'r', { '#t': ['a'], limit: 10 });
      while (outbox.frames.at(-1)?.[0] !== 'EOSE') await turn();
      waits.push(spent() - before);
      expect(outbox.frames).toHaveLength(2);
    }
    expect(Math.max(...waits)).toBeLessThan(4 * turnUnitsMax);
  });

  it('of a hundred clients of one address leave others their answers within a few turns, as those of one do', async () => {
    /** Work of so many pieces for each request. */
    const countInTurns: EventStore['countInTurns'] = async (_filters, signal, turns) => {
      for (let piece = 0; piece < 3; piece += 1) {
        await turns?.next(signal);
        turns?.spend(limits.requestTurnUnits);
      }
      return 0;
    };
    const { client, turn } = workingWorld({ store: { countInTurns } });
    const turnsOf = async ({ send, outbox }: ReturnType<typeof client>) => {
      send('COUNT', 'c', { kinds: [1] });
      let turns = 0;
      for (; outbox.frames.length === 0; turns += 1) await turn();
      return turns;
    };
    const hostile = Array.from({ length: 100 }, () => client('192.0.2.1'));
    for (const { send } of hostile) send('COUNT', 'x', { kinds: [1] });
    const [alone, local] = await Promise.all([turnsOf(client('192.0.2.2')), turnsOf(client())]);
    expect(alone).toBeLessThan(25);
    expect(local).toBeLessThan(25);
  });

  it('do not make those of this machine one party, for who is behind them cannot be told', async () => {
    const { client, settle } = sessionWorld();
    const order: string[] = [];
    const asking = (name: string, group?: string) => {
      const asked = client(group);
      const { outbox } = asked;
      outbox.send = (text) => order.push(`${name}${(JSON.parse(text) as string[])[1]}`);
      for (const id of ['1', '2']) asked.send('NEG-MSG', id, '61');
    };
    asking('a', '192.0.2.1');
    asking('b', '192.0.2.1');
    asking('c');
    asking('d');
    await settle();
    expect(order.join(' ')).toBe('a1 c1 d1 b1 c2 d2 a2 b2');
  });

  it('do not hold up who asks to reconcile the same, though others keep their client waiting', async () => {
    /** Work that goes on in several turns, and uses up the budget of who begins it. */
    const collectInTurns: EventStore['collectInTurns'] = async (_filter, _max, _target, signal, turns) => {
      turns?.spend(2 * limits.clientWorkUnitsMax);
      for (let piece = 0; piece < 5; piece += 1) {
        await turns?.next(signal);
        turns?.spend(limits.requestTurnUnits);
      }
      return true;
    };
    const { client, turn } = workingWorld({ store: { collectInTurns } });
    const [late, honest, busy] = [client(), client(), client()];
    const turns = async (count: number) => {
      for (let at = 0; at < count; at += 1) {
        busy.send('REQ', `${at}`, { '#t': ['a'], limit: 1 });
        await turn();
        busy.send('CLOSE', `${at}`);
      }
    };
    late.send('NEG-OPEN', 'n', { since: 1 }, '61');
    await turns(10);
    expect(late.outbox.frames).toEqual([]);
    honest.send('NEG-OPEN', 'n', { since: 1 }, '61');
    await turns(20);
    for (const { outbox } of [honest, late]) expect(outbox.frames.map(([type]) => type)).toEqual(['NEG-MSG']);
  });

  it('of one client are read in the order in which they came', async () => {
    const { client, settle } = sessionWorld();
    const { send, outbox } = client();
    send('REQ', 'a', { '#t': values(5_000) });
    send('CLOSE', 'a');
    send('EVENT', plainEvent(1, { content: 'x'.repeat(limits.clientLongMessageChars) }));
    send('REQ', 'b', { kinds: [1] });
    send('REQ', 'c', { kinds: ['no'] });
    await settle();
    expect(outbox.frames.map(([type, id]) => [type, String(id).slice(-1)])).toEqual(
      expect.arrayContaining([
        ['OK', '1'],
        ['EVENT', 'b'],
        ['EOSE', 'b'],
        ['CLOSED', 'c'],
      ]),
    );
    expect(outbox.frames.some(([, id]) => id === 'a')).toBe(false);
  });

  it('that were long are refused for what is wrong with them, as short ones are', async () => {
    const { client, settle } = sessionWorld();
    const { send, session, outbox } = client();
    const long = values(4_000);
    send('REQ', 'a', { '#t': long }, { kinds: 'x' });
    send('COUNT', 'b', { '#t': long, '#r': long, '#p': long });
    send('REQ', 'c', { '#t': values(100_000) });
    send('REQ', 'd', ...new Array(21).fill({ '#t': long }));
    send('REQ', '', { '#t': long });
    send('HELLO', 'e', long);
    session.receive(`${JSON.stringify(['REQ', 'f', { '#t': long }])}]`);
    session.receive(JSON.stringify(['REQ', 'g', { '#t': long }]).replace(/\]\}\]$/, ']}}'));
    await settle();
    expect(outbox.frames).toEqual([
      ['CLOSED', 'a', "invalid: 'kinds' is not a list"],
      ['CLOSED', 'b', `invalid: a filter has more than ${limits.filterValuesMax} values`],
      ['CLOSED', 'c', `invalid: a filter has more than ${limits.filterValuesMax} values`],
      ['CLOSED', 'd', 'invalid: more than 20 filters'],
      ['NOTICE', 'invalid: a subscription id has 1 to 250 characters'],
      ['NOTICE', "invalid: unknown message type 'HELLO'"],
      ['NOTICE', 'invalid: the message is not JSON'],
      ['NOTICE', 'invalid: the message is not JSON'],
    ]);
  });

  it('and events that cost much are read when their sender has work left in its budget, and no others wait for that', async () => {
    const { client, clock, settle } = sessionWorld();
    const costlyEvent = (number: number) =>
      plainEvent(number, { tags: values(limits.eventTagsMax, number).map((value) => ['t', value]) });
    const sender = client();
    for (let number = 1; number <= 4; number += 1) sender.send('EVENT', costlyEvent(number));
    await settle();
    expect(sender.outbox.ofType('OK')).toHaveLength(2);
    expect(sender.session.blocked).toBe(true);
    const other = client();
    other.send('EVENT', costlyEvent(9));
    await settle();
    expect(other.outbox.ofType('OK')).toHaveLength(1);
    await clock.advance(10_000);
    expect(sender.outbox.ofType('OK')).toHaveLength(4);
    for (let number = 5; number <= 7; number += 1) sender.send('EVENT', costlyEvent(number));
    await settle();
    sender.session[Symbol.dispose]();
    await clock.advance(10_000);
    expect(sender.outbox.ofType('OK')).toHaveLength(6);
  });

  it('leave the matcher a filter of many values at a time when their client hangs up', async () => {
    const { client, settle, hub, matcher } = matcherWorld();
    const { send, session } = client();
    for (let at = 0; at < 20; at += 1)
      send('REQ', String(at), { '#t': values(3_000), limit: 0 }, { kinds: [1], limit: 0 });
    await settle();
    expect(matcher.size).toBe(40);
    const step = vi.spyOn(AddressRemovals.prototype, 'step');
    session[Symbol.dispose]();
    expect(hub.size).toBe(0);
    expect(matcher.size).toBe(40);
    await settle();
    expect(matcher.size).toBe(0);
    expect(step.mock.calls.length).toBeGreaterThanOrEqual(20);
  });

  it('leave the matcher as fast as others come, from however many addresses, whatever else these ask for', async () => {
    const { client, turn, hub, matcher } = matcherWorld();
    const hostile = Array.from({ length: 64 }, (_, at) => client(`192.0.2.${at % 8}`));
    const cycles = hostile.map(({ send, outbox }, number) => {
      let opened = 0;
      return () => {
        if (outbox.ofType('EOSE').length < opened) return;
        send('CLOSE', 'f');
        opened += 1;
        send('COUNT', 'c', ...(costly[3] ?? []));
        send('REQ', 'f', { '#t': values(3_000, (number * 1_000 + opened) * 3_000), limit: 0 });
      };
    });
    let left = 0;
    for (let at = 0; at < 600; at += 1) {
      for (const cycle of cycles) cycle();
      await turn();
      left = Math.max(left, matcher.size - hub.size);
    }
    const closed = hostile.reduce((sum, { outbox }) => sum + outbox.ofType('EOSE').length, 0);
    expect(closed).toBeGreaterThan(80);
    expect(left).toBeLessThanOrEqual(16);
  });
});
