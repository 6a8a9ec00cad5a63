import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { seededRandom } from '../../../src/lib/random.js';
import { countHeap, heapGrowth } from '../../support/heap-counts.js';
import type { PartRun } from '../part.js';
import { TortureRecord } from '../record.js';
import { torture } from '../torture.js';
import type { CrowdReport } from './crowd.js';
import type { Sample } from './daemon-samples.js';
import type { HonestReport } from './honest-record.js';
import { judgeLoad, type LoadFindings } from './load-verdict.js';
import type { RestState } from './rest-state.js';
import { soak } from './soak.js';
import { judgeRest } from './soak-verdict.js';

const honest: HonestReport = {
  connections: 10,
  answered: 100,
  deliveries: 5,
  complaints: 0,
  words: [],
  p50Ms: 3,
  p99Ms: 20,
  maxMs: 30,
  ownLoopP99Ms: 11,
};
const report: CrowdReport = {
  idle: honest,
  asking: honest,
  publishing: honest,
  hostile: { 'wrong messages': { sent: 7, connections: 1 } },
  clones: 2,
  pushes: 1,
};
const sample = (atMs: number): Sample => ({
  atMs,
  residentBytes: 200_000_000,
  heapBytes: 60_000_000,
  loopP99Ms: 12,
  events: 1_000,
  connections: 30,
});
const findings: LoadFindings = {
  samples: Array.from({ length: 9 }, (_, at) => sample(at)),
  report,
  loopMs: [10, 20, 30, 40],
  mainThread: { computedMs: 1_000, waitedMs: 500 },
  caughtUpMs: 2_000,
  log: [],
};
const atRest: RestState = {
  memory: new Map([['heap', 30_000_000]]),
  handles: new Map([['descriptor socket', 5]]),
  gauges: new Map([['ngit_relay_connections', 1]]),
  entries: 1_000,
  objects: new Map([['object Map', 100]]),
  rows: 10,
  leftFiles: [],
};

function recorded(judge: (run: PartRun) => void): TortureRecord {
  const record = new TortureRecord();
  judge({
    seed: 1,
    random: seededRandom(1),
    folder: '',
    signal: new AbortController().signal,
    timeLeft: () => 0,
    tried: (promise, count) => record.tried(promise, count),
    broken: (promise, how) => record.broken(promise, how),
    figure: (promise, name, value) => record.figure(promise, name, value),
    progress: () => {},
  });
  return record;
}

const judged = (more: Partial<LoadFindings>, isWhole = true) =>
  recorded((run) => judgeLoad(run, { ...findings, ...more }, isWhole)).breaches();

it('a load that keeps its goals breaks no promise', () => {
  expect(judged({})).toEqual([]);
});

it('late turns, late answers, memory that grows, and errors break their promises where the load was whole', () => {
  const late = { loopMs: [10, 51, 60, 70] };
  const slow = { report: { ...report, publishing: { ...honest, p99Ms: 251 } } };
  const growing = {
    samples: findings.samples.map((one, at) => ({ ...one, heapBytes: (at + 1) * 30_000_000 })),
  };
  const failing = { log: [{ level: 'error', msg: 'the store failed' }] };
  expect(judged(late)).toEqual([expect.stringMatching(/^loop-turns: late by 51 ms/)]);
  expect(judged(slow)).toEqual([expect.stringMatching(/^publish-latency: 251 ms/)]);
  expect(judged(growing)).toEqual([expect.stringMatching(/^flat-memory: heap from 150 MB to 240 MB/)]);
  expect(judged({ ...late, ...slow, ...growing, ...failing }, false)).toEqual([
    expect.stringMatching(/^no-input-stops: in the log: .*the store failed/),
  ]);
});

it('what became more at rest breaks the promise, and rows that are kept have their share', () => {
  const judgedRest = (more: Partial<RestState>) =>
    recorded((run) =>
      judgeRest(run, atRest, { ...atRest, ...more }, { connections: 100, isWhole: true }),
    ).breaches();
  expect(judgedRest({})).toEqual([]);
  expect(judgedRest({ handles: new Map([['descriptor socket', 8]]) })).toEqual([
    'flat-memory: descriptor socket at rest: 5, 8',
  ]);
  expect(judgedRest({ gauges: new Map([['ngit_relay_connections', 4]]) })).toHaveLength(1);
  expect(judgedRest({ objects: new Map([['object Map', 500]]) })).toEqual([
    'flat-memory: object Map: 100, 500 objects',
  ]);
  expect(judgedRest({ objects: new Map([['object Map', 500]]), rows: 200 })).toEqual([]);
  expect(judgedRest({ entries: 2_000, leftFiles: ['git/tmp_pack'] })).toHaveLength(2);
  expect(judgedRest({ memory: new Map([['heap', 50_000_000]]) })).toHaveLength(1);
});

it('a heap snapshot is counted by what its objects are', () => {
  const counts = countHeap(
    JSON.stringify({
      snapshot: { meta: { node_fields: ['type', 'name', 'id'], node_types: [['object', 'string']] } },
      nodes: [0, 0, 1, 0, 0, 3, 1, 1, 5, 0, 1, 7],
      strings: ['Map', 'text'],
    }),
  );
  expect([...counts]).toEqual([
    ['object Map', 2],
    ['object text', 1],
  ]);
  expect(heapGrowth(new Map([['object Map', 1]]), counts, 0)).toEqual([
    { what: 'object Map', before: 1, after: 2 },
    { what: 'object text', before: 0, after: 1 },
  ]);
});

it('a daemon that honest and hostile clients used is at rest what it was, and none of the honest was dropped', async () => {
  const outcome = await torture({
    folder: tmpdir(),
    seed: 1,
    ms: 1_000,
    parts: [soak],
    signal: new AbortController().signal,
    say: () => {},
  });
  expect([...outcome.failed, ...outcome.record.breaches()]).toEqual([]);
  if (outcome.skipped.length > 0) return;
  expect(outcome.record.of('honest-clients').tried).toBeGreaterThan(0);
  expect(outcome.record.of('flat-memory').tried).toBeGreaterThan(0);
}, 180_000);
