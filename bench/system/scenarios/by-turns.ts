import { append } from '../../../src/lib/collections/lists.js';
import type { BenchClient } from '../client.js';
import { publishAll } from '../publishing.js';
import { type Figure, rate } from '../scenario.js';
import { percentile } from '../statistics.js';

/** The relays take turns, so that what else the machine does falls on all of them. */
const rounds = 5;

/** A relay that is compared with others, and a client of it. */
export type Compared<Name extends string> = { readonly name: Name; readonly client: BenchClient };

/** How publishing went, by relay. */
export type Totals<Name extends string> = ReadonlyMap<Name, { ms: number; readonly latencies: number[] }>;

/** Publishes each event to all relays, a part of them at a time. */
export async function publishByTurns<Name extends string>(
  relays: readonly Compared<Name>[],
  events: readonly string[],
  inFlight: number,
): Promise<Totals<Name>> {
  const totals = new Map(relays.map(({ name }) => [name, { ms: 0, latencies: [] as number[] }]));
  for (let round = 0; round < rounds; round += 1) {
    const [from, to] = [round, round + 1].map((part) => Math.floor((events.length * part) / rounds));
    for (const { name, client } of round % 2 === 0 ? relays : relays.toReversed()) {
      const { ms, latencies } = await publishAll(client, events.slice(from, to), inFlight);
      const total = totals.get(name) as { ms: number; latencies: number[] };
      total.ms += ms;
      append(total.latencies, latencies);
    }
  }
  return totals;
}

/** Rate and latency of each relay, and the rate of the first as a multiple of that of the second. */
export function publishFigures<Name extends string>(
  how: string,
  totals: Totals<Name>,
  [first, second]: readonly [Name, Name],
): Figure[] {
  const rateOf = (name: Name) => {
    const total = totals.get(name);
    return total === undefined ? Number.NaN : rate(total.latencies.length, total.ms);
  };
  return [
    ...[...totals].flatMap(([name, { latencies }]): Figure[] => [
      { name: `${how}, ${name}`, value: rateOf(name), unit: 'OK/s' },
      { name: `${how}, ${name}, p50`, value: percentile(latencies, 0.5), unit: 'ms' },
    ]),
    { name: `${how}, ${first} of ${second}`, value: rateOf(first) / rateOf(second), unit: '×' },
  ];
}
