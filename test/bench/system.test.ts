import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatResult, type Result } from '../../bench/system/report.js';
import { readSettings } from '../../bench/system/settings.js';
import { percentile } from '../../bench/system/statistics.js';
import { formatSvg } from '../../bench/system/svg.js';
import { defaultTraffic, traffic } from '../../bench/system/traffic.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { postgresObstacle } from '../support/postgres-server.js';

const run = promisify(execFile);

const result = (events: number, value: number): Result => ({
  scenario: 'publish',
  about: 'a <client> publishes',
  events,
  signatures: 'system',
  url: undefined,
  figures: [{ name: 'published', value, unit: 'OK/s' }],
  usage: [
    { process: 'relay', cpuSeconds: 1.25, childCpuSeconds: 0, residentBytes: 1e8, residentBytesPeak: 2e8 },
  ],
});

describe('system bench', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graspd-bench-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('measures real processes over real sockets', async () => {
    const [json, svg] = [join(folder, 'results.json'), join(folder, 'results.svg')];
    const flags = ['--events', '200', '--listeners', '5', '--nodes', '2', '--json', json, '--svg', svg];
    const obstacle = postgresObstacle();
    if (obstacle !== undefined) console.warn(`skipped in part: ${obstacle}`);
    const database = obstacle === undefined ? ',database,nodes' : '';
    const scenarios = `import,catch-up,publish,durability${database},fan-out-wide,requests,hostile-requests,negentropy`;
    const bench = ['--import', 'tsx', 'bench/system/main.ts', '--scenario', scenarios, ...flags];
    await run(process.execPath, bench);
    const { results } = JSON.parse(readFileSync(json, 'utf8')) as { results: Result[] };
    expect(results.map(({ scenario }) => scenario)).toEqual(scenarios.split(','));
    for (const { figures, usage } of results) {
      expect(usage.length).toBeGreaterThan(0);
      for (const { value } of figures) expect(value).toBeGreaterThanOrEqual(0);
    }
    const fetched = results[1]?.figures.find(({ name }) => name === 'fetched');
    expect(fetched?.value).toBe(200);
    expect(readFileSync(svg, 'utf8')).toContain('fan-out-wide: published');
  }, 300_000);

  it('makes the same traffic from the same seed, each event of it about something before it', async () => {
    const settings = { ...defaultTraffic, events: 300 };
    const first: NostrEvent[] = [];
    for await (const event of traffic(settings)) first.push(event);
    let index = 0;
    for await (const event of traffic(settings)) expect(event).toEqual(first[index++]);
    const known = new Set<string>();
    for (const { id, kind, pubkey, tags } of first) {
      if (kind === 30617) known.add(`30617:${pubkey}:${tags.find(([name]) => name === 'd')?.[1]}`);
      else if (kind !== 30618)
        expect(tags.some(([, value]) => value !== undefined && known.has(value))).toBe(true);
      known.add(id);
    }
  });

  it('reports figures with what each process used', () => {
    const text = formatResult(result(1000, 5432.1));
    expect(text).toContain('publish: a <client> publishes, n = 1,000, signatures by system');
    expect(text).toMatch(/^ {2}published {2}5,432 OK\/s$/m);
    expect(text).toMatch(/^ {2}· relay: 1\.3 s CPU, 100 MB resident, at most 200 MB$/m);
    const svg = formatSvg([result(1000, 100), result(2000, 50)]);
    expect(svg.match(/<rect/g)).toHaveLength(2);
  });

  it('takes percentiles by nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0, 0.5, 0.99, 1].map((quantile) => percentile(values, quantile))).toEqual([1, 50, 99, 100]);
    expect(percentile([], 0.5)).toBeNaN();
  });

  it('refuses a wrong command line', () => {
    expect(() => readSettings(['--events', 'many'])).toThrow('--events takes a whole number');
    expect(() => readSettings(['--signatures', 'none'])).toThrow('--signatures takes');
    expect(readSettings(['--help'])).toBeUndefined();
    expect(readSettings(['--events', '200_000'])?.events).toBe(200_000);
  });
});
