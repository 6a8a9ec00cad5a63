import { Registry } from 'prom-client';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { HeldSettings } from '../../src/purgatory/held-counts.js';
import { Purgatory } from '../../src/purgatory/purgatory.js';
import { PurgatoryMetrics } from '../../src/purgatory/purgatory-metrics.js';
import { type Journal, MemoryJournal } from '../../src/store/journal.js';
import { VirtualClock } from '../support/virtual-clock.js';

export const roomySettings: HeldSettings = { keyHeldRepositoriesMax: 100, heldRepositoriesMax: 5_000 };

/** A purgatory with what it stands on, and what it told of. */
export async function openPurgatory(
  more: { journal?: Journal; clock?: VirtualClock; settings?: HeldSettings } = {},
) {
  const { journal = new MemoryJournal(), clock = new VirtualClock(), settings = roomySettings } = more;
  const registry = new Registry();
  const told: [what: 'held' | 'released', id: string][] = [];
  const purgatory = new Purgatory({
    journal,
    clock,
    settings,
    metrics: new PurgatoryMetrics(registry),
    listener: {
      onHeld: ({ id }: NostrEvent) => void told.push(['held', id]),
      onReleased: ({ id }: NostrEvent) => void told.push(['released', id]),
    },
  });
  await purgatory.load();
  return { purgatory, journal, clock, registry, told };
}

export async function namesIn(journal: Journal): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of journal.entries()) names.push(name);
  return names;
}
