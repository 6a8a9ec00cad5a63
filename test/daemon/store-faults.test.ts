import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { StoreFaults } from '../../src/daemon/store/store-faults.js';

it('says and counts a faulty event, and has it asked for again when it is lost', async () => {
  const lines: string[] = [];
  const registry = new Registry();
  const faults = new StoreFaults(registry, pino({}, { write: (line: string) => lines.push(line) }));
  const asked: (readonly string[])[] = [];
  const event = { id: 'a1', kind: 1, pubkey: 'b2', created_at: 1 };
  faults.add({ ...event, fault: 'damaged' });
  faults.askWith((ids) => asked.push(ids));
  faults.add({ ...event, id: 'a2', fault: 'damaged' });
  faults.add({ ...event, id: 'a3', fault: 'missing' });
  faults.add({ ...event, id: 'a4', fault: 'unreadable' });
  // What is lost before there is anybody to ask is brought by the first catch-up.
  expect(asked).toEqual([['a2'], ['a3']]);
  expect(lines.map((line) => JSON.parse(line) as Record<string, unknown>)).toMatchObject([
    { level: 50, event: 'a1', fault: 'damaged' },
    { level: 50, event: 'a2', fault: 'damaged' },
    { level: 50, event: 'a3', fault: 'missing' },
    { level: 50, event: 'a4', fault: 'unreadable' },
  ]);
  const { values } = await registry.getSingleMetric('ngit_store_faulty_events_total')!.get();
  expect(Object.fromEntries(values.map(({ labels, value }) => [labels.fault, value]))).toEqual({
    damaged: 2,
    missing: 1,
    unreadable: 1,
  });
});
