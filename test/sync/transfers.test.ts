import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { type Deferred, deferred } from '../../src/lib/abort.js';
import { HostBudgets } from '../../src/sync/hosts/host-budget.js';
import { type Progress, Transfers } from '../../src/sync/hosts/transfers.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const { signal } = new AbortController();

/** Batches of catch-up that run until they are ended, of relays that send what is asked for. */
class Batches {
  readonly clock = new VirtualClock();
  readonly #transfers = new Transfers(this.clock);
  readonly #hosts = new HostBudgets();
  /** The relays whose batches run, in the order in which these began. */
  readonly running = new Map<string, Deferred<void>>();

  begin(relay: string, isTrusted = false): void {
    const ended = deferred<void>();
    const transfer = {
      host: this.#hosts.take(relay, isTrusted),
      progress: (): Progress => ({ bytes: this.clock.monotonic() * 1_000, events: 0, isBehind: false }),
      endTurn: () => this.end(relay),
    };
    void this.#transfers.use(transfer, signal, async () => {
      this.running.set(relay, ended);
      await ended.promise;
    });
  }

  end(relay: string): void {
    this.running.get(relay)?.resolve();
    this.running.delete(relay);
  }
}

function hostsOf(domain: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `wss://relay-${at}.${domain}`);
}

describe('the places of catch-up', () => {
  it('go to one domain after the other, however many hosts one has; a relay of the operator is a party of its own', async () => {
    const batches = new Batches();
    for (const relay of hostsOf('hostile.example', 100)) batches.begin(relay);
    await settle();
    const hostile = [...batches.running.keys()];
    expect(hostile).toHaveLength(limits.syncTransfersMax);
    batches.begin('wss://honest.example');
    batches.begin('wss://operator.hostile.example', true);
    // One of the hostile domain goes first, for it has waited before.
    for (const relay of hostile.slice(0, 3)) batches.end(relay);
    await settle();
    expect([...batches.running.keys()].slice(-3)).toEqual([
      `wss://relay-${limits.syncTransfersMax}.hostile.example`,
      'wss://honest.example',
      'wss://operator.hostile.example',
    ]);
  });

  it('a batch ends its turn after a while where others wait, though it makes progress', async () => {
    const batches = new Batches();
    const first = hostsOf('hostile.example', limits.syncTransfersMax);
    for (const relay of first) batches.begin(relay);
    await batches.clock.advance(2 * limits.syncTransferTurnMs);
    expect(batches.running.size).toBe(limits.syncTransfersMax);
    batches.begin('wss://honest.example');
    await batches.clock.advance(2 * limits.syncProgressLookMs);
    expect(batches.running.has('wss://honest.example')).toBe(true);
    // Nobody waits any more: the others go on.
    expect(batches.running.size).toBe(limits.syncTransfersMax);
  });
});
