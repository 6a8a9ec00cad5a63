import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { deferred } from '../../src/lib/abort.js';
import { Snapshots } from '../../src/web/status/snapshots.js';
import { StatusFeed } from '../../src/web/status/status-feed.js';
import type { FullStatusReport } from '../../src/web/status/status-report.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { emptyReport } from './report.js';

/** A response of which a test says how much of it waits. */
class Reader extends EventEmitter {
  writableLength = 0;
  text = '';
  isDestroyed = false;
  isEnded = false;
  hasHead = false;
  writeHead(): this {
    this.hasHead = true;
    return this;
  }
  write(text: string): boolean {
    if (!this.hasHead) throw new Error('what is written before the head is no stream of events');
    this.text += text;
    return true;
  }
  end(): this {
    this.isEnded = true;
    this.emit('close');
    return this;
  }
  destroy(): this {
    this.isDestroyed = true;
    this.emit('close');
    return this;
  }
  /** What was sent since the last look, by event. */
  take(): string[] {
    const names = [...this.text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name as string);
    this.text = '';
    return names;
  }
}

function world() {
  const clock = new VirtualClock();
  const state = { report: emptyReport() as FullStatusReport, made: 0, held: Promise.resolve(), token: 'a' };
  const report = async () => {
    state.made += 1;
    await state.held;
    return state.report;
  };
  const faults: unknown[] = [];
  const snapshots = new Snapshots({ report }, clock);
  const feed = new StatusFeed({
    snapshots,
    token: () => state.token,
    clock,
    onFault: (error) => faults.push(error),
  });
  const add = async (group = '192.0.2.1') => {
    const reader = new Reader();
    const isServed = await feed.add(reader as never, group);
    return { reader, isServed };
  };
  return { clock, state, feed, add, faults };
}

describe('the feed of the status page', () => {
  it('sends the whole page at first, and then what is new', async () => {
    const { clock, state, add } = world();
    const { reader } = await add();
    expect(reader.text).toContain('"overview":');
    await clock.advance(limits.statusIntervalMs);
    reader.take();
    await clock.advance(limits.statusIntervalMs);
    expect(reader.take()).toEqual([]);
    state.report = { ...state.report, refused: [{ reason: 'invalid: x', count: 1 }] };
    await clock.advance(limits.statusIntervalMs);
    expect(reader.text).toContain('invalid: x');
    expect(reader.text).not.toContain('"overview":');
  });

  it('computes nothing while nobody has the page open, and once for all who have', async () => {
    const { clock, state, add } = world();
    await clock.advance(10 * limits.statusIntervalMs);
    expect(state.made).toBe(0);
    const readers = await Promise.all([add('a'), add('b'), add('c')]);
    expect(state.made).toBe(1);
    await clock.advance(3 * limits.statusIntervalMs);
    expect(state.made).toBe(4);
    for (const { reader } of readers) reader.end();
    await clock.advance(10 * limits.statusIntervalMs);
    expect(state.made).toBe(4);
    expect(clock.timers).toBe(0);
  });

  it('sends something now and then, so that nobody on the way takes the connection for dead', async () => {
    const { clock, add } = world();
    const { reader } = await add();
    await clock.advance(limits.statusIntervalMs);
    reader.text = '';
    await clock.advance(limits.statusHeartbeatMs + limits.statusIntervalMs);
    expect(reader.text).toContain(':\n\n');
  });

  it('lets go who reads too slowly, and nobody else', async () => {
    const { clock, state, feed, add } = world();
    const [slow, quick] = [await add('a'), await add('b')];
    slow.reader.writableLength = limits.statusReaderBytesMax + 1;
    state.report = { ...state.report, refused: [{ reason: 'new', count: 1 }] };
    await clock.advance(limits.statusIntervalMs);
    expect(slow.reader.isDestroyed).toBe(true);
    expect(quick.reader.isDestroyed).toBe(false);
    expect(feed.readers).toBe(1);
  });

  it('has a bounded number of readers, in all and of one address', async () => {
    const { feed, add } = world();
    for (let number = 0; number < limits.statusReadersPerAddressMax; number += 1)
      expect((await add('one')).isServed).toBe(true);
    expect((await add('one')).isServed).toBe(false);
    const { feed: full, add: addTo } = world();
    while (full.readers < limits.statusReadersMax) await addTo(`address ${full.readers}`);
    expect((await addTo('another')).isServed).toBe(false);
    expect([feed.readers, full.readers]).toEqual([
      limits.statusReadersPerAddressMax,
      limits.statusReadersMax,
    ]);
  });

  it('has room for others where some addresses have all places: a reader of theirs gives way', async () => {
    const { feed, add } = world();
    const readers = [];
    for (let number = 0; number < limits.statusReadersMax; number += 1)
      readers.push((await add(`address ${number % 4}`)).reader);
    expect((await add('operator')).isServed).toBe(true);
    expect(readers.filter(({ isEnded }) => isEnded)).toHaveLength(1);
    expect(readers[0]?.isEnded).toBe(true);
    expect(feed.readers).toBe(limits.statusReadersMax);
    // Who has as many places as the others takes no more of them.
    for (let more = 0; more < limits.statusReadersPerAddressMax; more += 1) await add('operator');
    expect(readers.filter(({ isEnded }) => isEnded).length).toBeLessThan(limits.statusReadersPerAddressMax);
  });

  it('goes on after a report that failed', async () => {
    const { clock, state, add, faults } = world();
    const { reader } = await add();
    await clock.advance(limits.statusIntervalMs);
    const good = state.report;
    state.report = undefined as never;
    await clock.advance(limits.statusIntervalMs);
    expect(faults.length).toBe(1);
    state.report = { ...good, refused: [{ reason: 'new', count: 1 }] };
    reader.text = '';
    await clock.advance(limits.statusIntervalMs);
    expect(reader.text).toContain('new');
  });

  it('begins with the head also for who comes while the news are made, and looks once at a time whoever comes and goes', async () => {
    const { clock, state, feed, add, faults } = world();
    const { reader } = await add('a');
    const report = deferred<void>();
    state.held = report.promise;
    state.report = { ...state.report, refused: [{ reason: 'new', count: 1 }] };
    await clock.advance(limits.statusIntervalMs);
    reader.end();
    const coming = [add('b'), add('c')];
    report.resolve();
    const later = await Promise.all(coming);
    for (const { reader: each } of later) expect(each.text).toContain('"overview":');
    expect([feed.readers, faults]).toEqual([2, []]);
    await clock.advance(0);
    expect(clock.timers).toBe(1);
    for (const { reader: each } of later) each.end();
    expect(clock.timers).toBe(0);
  });

  it('ends those who came with another token than there is now, and no others', async () => {
    const { clock, state, feed, add } = world();
    const { reader: before } = await add();
    state.token = 'b';
    const { reader: after } = await add();
    expect([before.isEnded, after.isEnded]).toEqual([true, false]);
    state.token = 'c';
    await clock.advance(limits.statusIntervalMs);
    expect([after.isEnded, feed.readers, clock.timers]).toEqual([true, 0, 0]);
  });

  it('ends all readers when it is closed', async () => {
    const { clock, feed, add } = world();
    const { reader } = await add();
    feed.close();
    expect(reader.isEnded).toBe(true);
    expect(clock.timers).toBe(0);
  });
});
