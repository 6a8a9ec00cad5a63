import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BaselineEntry, baselineOf, findRegressions } from '../../bench/baseline.js';
import { chartsOf, plot } from '../../bench/growth.js';
import type { Result } from '../../bench/measure.js';
import { formatTime, formatWork } from '../../bench/report.js';
import { drawSvg } from '../../bench/svg.js';

const run = promisify(execFile);

const result = (contender: string, role: Result['role'], medianNs: number): Result => ({
  topic: 'topic',
  work: 'work',
  n: 10,
  contender,
  role,
  minNs: medianNs,
  medianNs,
  p25Ns: medianNs,
  p75Ns: medianNs,
  samples: 5,
});

describe('bench suite', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graspd-bench-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('runs topics at their small size', async () => {
    const json = join(folder, 'results.json');
    const { stdout } = await run(process.execPath, [
      '--import',
      'tsx',
      'bench/main.ts',
      'live-set',
      'match',
      '--small',
      '--json',
      json,
    ]);
    const { results } = JSON.parse(readFileSync(json, 'utf8')) as { results: Result[] };
    expect([...new Set(results.map(({ topic }) => topic))]).toEqual(['live-set', 'match']);
    for (const each of results) {
      expect(each.medianNs).toBeGreaterThan(0);
      expect(stdout).toContain(each.work);
    }
  }, 120_000);

  it('compares ratios, never times', () => {
    const baseline: BaselineEntry[] = [
      {
        topic: 'topic',
        work: 'work',
        n: 10,
        candidate: 'wasm',
        against: 'rival',
        of: 'time',
        ratio: 50,
        tolerance: 0.5,
      },
      {
        topic: 'topic',
        work: 'work',
        n: 10,
        candidate: 'wasm',
        against: 'rival',
        of: 'bytes',
        ratio: 2,
        tolerance: 0.1,
      },
    ];
    const slowMachine = [result('wasm', 'candidate', 1e9), result('rival', 'rival', 49e9)];
    expect(findRegressions(slowMachine, baseline)).toEqual([]);
    const worse = [result('wasm', 'candidate', 1e3), result('rival', 'rival', 24e3)];
    expect(findRegressions(worse, baseline)).toHaveLength(1);
    expect(findRegressions([result('wasm', 'candidate', 1), result('other', 'rival', 1)], baseline)).toEqual(
      [],
    );
    const wordy = [
      { ...result('wasm', 'candidate', 1), figures: { bytes: 60 } },
      { ...result('rival', 'rival', 50), figures: { bytes: 100 } },
    ];
    expect(findRegressions(wordy, baseline)).toEqual([expect.stringContaining('wasm against rival, bytes')]);
  });

  it('allows a ratio what it strays by itself, and more where it strays more', () => {
    const run = (rival: number, noisy: number) => [
      { ...result('wasm', 'candidate', 1), figures: { bytes: 50 } },
      { ...result('rival', 'rival', rival), figures: { bytes: 100 } },
      result('noisy', 'rival', noisy),
    ];
    const entries = baselineOf([run(10, 10), run(9.5, 6), run(10.5, 14), run(9.5, 7), run(10, 11)]);
    const tolerances = entries.map(({ against, of, ratio, tolerance }) => [against, of, ratio, tolerance]);
    expect(tolerances).toEqual([
      ['rival', 'time', 10, 0.6],
      ['rival', 'bytes', 2, 0.05],
      ['noisy', 'time', 10, 0.8],
    ]);
  });

  it('draws growth where there are sizes enough', () => {
    const times = [10, 100, 1000].flatMap((n) => [
      { ...result('wasm', 'candidate', n * 2), n },
      { ...result('rival <1>', 'rival', n * 300), n },
      { ...result('read', 'floor', n), n },
    ]);
    const charts = chartsOf([...times, { ...result('wasm', 'candidate', 5), work: 'other' }]);
    expect(charts.map(({ title }) => title)).toEqual(['topic: work']);
    const text = plot(charts[0]!);
    expect(text).toContain('w wasm, r rival <1>');
    expect(text.match(/│.*w/g)).toHaveLength(3);
    const svg = drawSvg(charts[0]!);
    expect(svg.match(/<polyline/g)).toHaveLength(2);
    expect(svg).toContain('rival &lt;1&gt;');
    expect(svg).not.toContain('NaN');
  });

  it('prints a line for each contender', () => {
    const text = formatWork([result('wasm', 'candidate', 2_000), result('rival', 'rival', 5e6)]);
    expect(text).toContain('topic: work, n = 10');
    expect(text).toMatch(/wasm +candidate +2\.00 µs .* 1$/m);
    expect(text).toMatch(/rival +rival +5\.00 ms .* 2500 ×$/m);
    expect([0.5, 12, 1234, 12e9].map(formatTime)).toEqual(['0.50 ns', '12.0 ns', '1.23 µs', '12.0 s']);
  });
});
