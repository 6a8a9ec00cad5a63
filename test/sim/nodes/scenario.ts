import { hourMs, minuteMs, secondMs } from '../../../src/lib/clock.js';
import { type Random, seededRandom } from '../../../src/lib/random.js';
import { between, chance, fork, pick } from '../random.js';
import type { StatementFaults, WayState } from './database/database-way.js';

/** What may happen. */
type Happening =
  | { readonly type: 'kill'; readonly node: number; readonly silently: boolean; readonly downMs: number }
  /** It is asked to end. */
  | { readonly type: 'stop'; readonly node: number; readonly downMs: number }
  | { readonly type: 'hang'; readonly node: number; readonly forMs: number }
  | { readonly type: 'database'; readonly forMs: number }
  /** What one node and the database say to each other does not get there. */
  | { readonly type: 'database-way'; readonly node: number; readonly state: WayState; readonly forMs: number }
  /** The same of two nodes. */
  | {
      readonly type: 'node-way';
      readonly one: number;
      readonly other: number;
      readonly state: WayState;
      readonly forMs: number;
    }
  | { readonly type: 'cut'; readonly one: number; readonly other: number }
  /** The operator does something at the one that writes. */
  | { readonly type: 'take-away' | 'note' };

/** When something happens, in milliseconds after the beginning of its round. */
export type Incident = { readonly atMs: number } & Happening;

/** All that a seed decides before the first step; what follows has a generator of its own. */
export type NodesScenario = {
  readonly seed: number;
  readonly startMs: number;
  readonly nodes: number;
  readonly authors: number;
  /** For how long things happen in each round; then all heals, and what there is is compared. */
  readonly faultMs: number;
  readonly rounds: readonly {
    readonly incidents: readonly Incident[];
    /** Of each node, while the round lasts. */
    readonly faults: readonly StatementFaults[];
  }[];
  /** The mean of the pauses of each author. */
  readonly pauseMs: number;
};

export function drawNodes(seed: number): NodesScenario {
  const random = seededRandom(seed);
  const nodes = 3;
  const faultMs = between(random, 60, 180) * secondMs;
  return {
    seed,
    startMs: Date.UTC(2026, 0, 1) + between(random, 0, 1_000) * hourMs,
    nodes,
    authors: 4,
    faultMs,
    rounds: Array.from({ length: 2 }, () => ({
      incidents: drawIncidents(fork(random), nodes, faultMs),
      faults: Array.from({ length: nodes }, () => drawFaults(random)),
    })),
    pauseMs: pick(random, [300, 1_000, 3_000]),
  };
}

function drawFaults(random: Random): StatementFaults {
  const drawn = () => (chance(random, 0.5) ? 0 : random.next() * 0.05);
  return { failChance: drawn(), lossChance: drawn(), lateChance: drawn() };
}

function drawIncidents(random: Random, nodes: number, faultMs: number): Incident[] {
  const incidents: Incident[] = [];
  const everyMs = between(random, 3, 20) * secondMs;
  for (let atMs = between(random, 0, everyMs); atMs < faultMs; atMs += between(random, 100, 2 * everyMs))
    incidents.push({ atMs, ...drawIncident(random, nodes) });
  return incidents;
}

function drawIncident(random: Random, nodes: number): Happening {
  const node = between(random, 0, nodes - 1);
  const other = (node + between(random, 1, nodes - 1)) % nodes;
  const state = pick(random, ['refused', 'silent'] as const);
  const forMs = between(random, 1, chance(random, 0.3) ? 60 : 15) * secondMs;
  const downMs = between(random, 0, 30) * secondMs;
  const drawn: readonly Happening[] = [
    { type: 'kill', node, silently: chance(random, 0.3), downMs },
    { type: 'kill', node, silently: chance(random, 0.3), downMs },
    { type: 'stop', node, downMs },
    { type: 'hang', node, forMs },
    { type: 'hang', node, forMs: between(random, 15, 50) * secondMs },
    { type: 'database', forMs: Math.min(forMs, minuteMs / 2) },
    { type: 'database-way', node, state, forMs },
    { type: 'database-way', node, state, forMs },
    { type: 'node-way', one: node, other, state, forMs },
    { type: 'node-way', one: node, other, state, forMs },
    { type: 'cut', one: node, other },
    { type: 'take-away' },
    { type: 'note' },
    { type: 'note' },
  ];
  return pick(random, drawn);
}
