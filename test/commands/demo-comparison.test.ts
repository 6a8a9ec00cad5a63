import { expect, test } from 'vitest';
import { compareHoldings } from '../../src/commands/demo/comparison.js';
import { parseFigures } from '../../src/commands/demo/metrics.js';
import { makeScenario } from '../../src/commands/demo/scenario.js';
import { eventHash } from '../../src/nostr/event.js';

const services = ['north', 'south', 'third'].map((name, index) => ({
  name,
  domain: `127.0.0.1:${index + 1}`,
}));
const scenario = makeScenario(services.slice(0, 2), services, 1_700_000_000);
const history = scenario.history.flat();
const published = [...history, ...scenario.live.flat()].map(({ event }) => event);

test('the scenario has different events, properly signed, at both sources', () => {
  expect(new Set(published.map(({ id }) => id)).size).toBe(published.length);
  expect(published.every((event) => eventHash(event) === event.id)).toBe(true);
  const counts = services.map((service) => history.filter(({ to }) => to === service).length);
  expect(counts[0]).toBe(counts[1]);
  expect(counts[2]).toBe(0);
});

test('no author publishes more to a relay than one client may in a minute', () => {
  const counts = new Map<string, number>();
  for (const { author, to } of history) {
    const key = `${author.pubkey} ${to.name}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect(Math.max(...counts.values())).toBeLessThanOrEqual(60);
});

test('relays agree when they hold the same events in whatever order', () => {
  const holdings = [
    { name: 'north', events: published },
    { name: 'south', events: published.toReversed() },
  ];
  expect(compareHoldings(published, holdings)).toMatchObject({ agrees: true });
});

test.each([
  ['an event is missing', published.slice(1)],
  ['a field differs', published.map((event, index) => (index === 0 ? { ...event, content: 'else' } : event))],
  ['an event is there twice', [...published, ...published.slice(0, 1)]],
])('relays do not agree when %s', (_, events) => {
  expect(compareHoldings(published, [{ name: 'north', events }]).agrees).toBe(false);
});

test('figures are read from the metrics', () => {
  const text = [
    '# TYPE ngit_sync_events_total counter',
    'ngit_sync_events_total{source="live_sync"} 3',
    'ngit_sync_events_total{source="catchup"} 40',
    'ngit_sync_events_total{source="daily_catchup"} 2',
    'ngit_sync_relays_tracked_total 5',
  ].join('\n');
  expect(parseFigures(text)).toEqual({ tracked: 5, connected: 0, direct: 0, live: 3, caughtUp: 42 });
});
