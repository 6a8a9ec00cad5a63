import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { deferred } from '../../src/lib/abort.js';
import { MemoryBudget } from '../../src/lib/budgets/memory-budget.js';
import { OldestFirst } from '../../src/sync/fetch/oldest-first.js';
import { HeldMemory, heldMessageBytes } from '../../src/sync/held-memory.js';
import { FrameQueue } from '../../src/sync/peer/frame-queue.js';
import { plainEvent } from '../relay/fakes.js';
import { roomyMemory } from '../support/roomy-memory.js';
import { settle } from '../support/virtual-clock.js';

const frame = 'x'.repeat(1_000 - heldMessageBytes);

describe('what remotes make us hold', () => {
  it('has a share for a domain and a relay; one that the operator gave has its own', () => {
    const memory = new HeldMemory();
    const ofRelay = limits.remotesMemoryBytesMax * limits.remoteMemoryShareMax;
    const take = (relay: string, isTrusted: boolean) =>
      memory.ofConnection(relay, isTrusted).reserve(ofRelay) !== undefined;
    const places = limits.domainMemoryShareMax / limits.remoteMemoryShareMax;
    for (let number = 0; number < places; number += 1) {
      expect(take(`wss://${number}.hostile.example`, false)).toBe(true);
    }
    expect(take('wss://again.hostile.example', false)).toBe(false);
    expect(take('wss://again.hostile.example', true)).toBe(true);
    expect(take('wss://honest.example', false)).toBe(true);
  });

  it('a relay that is not read for want of memory is read again as its messages are dealt with', async () => {
    const budget = new MemoryBudget({ totalBytes: 4_000, groupBytes: 4_000, holderBytes: 4_000 });
    const others = budget.holder('other').open();
    others.resize(1_500);
    const queue = new FrameQueue(budget.holder('relay').open());
    const told: string[] = [];
    queue.attach({ pause: () => told.push('pause'), resume: () => told.push('resume') });
    for (let count = 0; count < 4; count += 1) queue.push(frame);
    expect([told, budget.bytes]).toEqual([['pause'], 3_500]);
    await queue.next();
    expect(told).toEqual(['pause']);
    await queue.next();
    expect([told, budget.bytes]).toEqual([['pause', 'resume'], 3_500]);
    // An empty queue is always filled again, whatever others hold.
    while (budget.bytes > 1_500) await queue.next();
    others.resize(4_000);
    queue.push(frame);
    await queue.next();
    expect(told.slice(2)).toEqual(['pause', 'resume']);
  });

  it('a part of an answer for which there is no memory is handed on before its end', async () => {
    const memory = roomyMemory(10_000);
    const delivered: number[] = [];
    const gate = deferred<void>();
    const answer = new OldestFirst(
      {
        turn: async () => {},
        room: async () => await gate.promise,
        deliver: async (event) => {
          delivered.push(event.created_at - 1_700_000_000);
        },
      },
      memory.open(),
    );
    for (const number of [3, 2, 1]) answer.add(plainEvent(number, { content: 'x'.repeat(3_000) }));
    gate.resolve();
    await settle();
    expect(delivered).toEqual([1, 2, 3]);
    answer.add(plainEvent(5));
    answer.add(plainEvent(4));
    await settle();
    expect(delivered).toHaveLength(3);
    await answer.end();
    await answer.delivered();
    expect([delivered, memory.bytes]).toEqual([[1, 2, 3, 4, 5], 0]);
  });
});
