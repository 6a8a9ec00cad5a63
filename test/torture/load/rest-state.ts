import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { DaemonProcess } from '../../support/daemon-process.js';
import { countHeap, type HeapCounts } from '../../support/heap-counts.js';
import type { Inspector } from '../../support/inspector.js';
import { anonymousBytes, readMetrics } from './daemon-samples.js';

/** What a daemon holds of which none may become more by use: each by its name. */
export type Counts = ReadonlyMap<string, number>;

/** What a daemon holds when nobody uses it. */
export type RestState = {
  /** Bytes of memory by kind. */
  readonly memory: Counts;
  /** Open descriptors, what keeps the event loop alive, listeners, threads and processes. */
  readonly handles: Counts;
  /** What `/metrics` says of what waits, runs and is open. */
  readonly gauges: Counts;
  /** Entries of all maps and sets together. */
  readonly entries: number;
  /** Living objects. */
  readonly objects: HeapCounts;
  /** Events, and other rows that are kept for good. */
  readonly rows: number;
  /** Files that were left of work that ended. */
  readonly leftFiles: readonly string[];
};

/** Gauges that are low at rest, whatever went before. Topics wait for relays that are not there, so they are none of these. */
const restingGauges =
  /^ngit_(relay_(connections|subscriptions|negentropy_sessions)|\w+_(running|waiting|pending|pending_events|queued_(bytes|events|downloads)))( |$)/;
const rowGauges = ['ngit_store_events', 'ngit_store_refused_events'];
const leftFile = /(^|\/)(tmp[_-]|incoming|quarantine|.*\.(lock|tmp)$)/;

/** Looks at a daemon at rest, after its garbage was collected. */
export async function lookAtRest(daemon: DaemonProcess, inspector: Inspector): Promise<RestState> {
  // What a first collection frees may have finalizers, whose garbage the next one finds.
  for (let round = 0; round < 3; round += 1) await inspector.collectGarbage();
  const entriesOf = (kind: string) =>
    // Objects that only inherit from it have no size.
    inspector.ofAll<number>(
      kind,
      'function() { let sum = 0; for (const one of this) try { sum += one.size; } catch {} return sum; }',
    );
  const entries = (await entriesOf('Map')) + (await entriesOf('Set'));
  const kernels = await inspector.ofAll<number>(
    'WebAssembly.Memory',
    'function() { return this.reduce((sum, { buffer }) => sum + buffer.byteLength, 0); }',
  );
  const memory = await inspector.evaluate<Record<string, number>>('process.memoryUsage()');
  const objects = countHeap(await inspector.heapSnapshot());
  const metrics = await readMetrics(daemon);
  return {
    memory: new Map([
      ['resident', anonymousBytes(daemon.pid)],
      ['heap', memory.heapUsed ?? 0],
      ['array buffers', memory.arrayBuffers ?? 0],
      ['external', memory.external ?? 0],
      ['kernels', kernels],
    ]),
    handles: await handlesOf(daemon, inspector),
    gauges: new Map([...metrics].filter(([name]) => restingGauges.test(name))),
    entries,
    objects,
    rows: rowGauges.reduce((sum, name) => sum + (metrics.get(name) ?? 0), 0),
    leftFiles: (await readdir(daemon.directory, { recursive: true })).filter((file) => leftFile.test(file)),
  };
}

async function handlesOf(daemon: DaemonProcess, inspector: Inspector): Promise<Counts> {
  const counts = new Map<string, number>();
  const add = (name: string, count = 1) => counts.set(name, (counts.get(name) ?? 0) + count);
  const folder = `/proc/${daemon.pid}/fd`;
  for (const descriptor of readdirSync(folder)) {
    try {
      add(`descriptor ${kindOf(readlinkSync(`${folder}/${descriptor}`))}`);
    } catch {
      // It was closed meanwhile.
    }
  }
  // An immediate is gone with the turn of the event loop that is being looked at.
  for (const resource of await inspector.evaluate<string[]>('process.getActiveResourcesInfo()'))
    if (resource !== 'Immediate') add(`resource ${resource}`);
  const listeners = await inspector.evaluate<number>(
    'process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)',
  );
  add('listeners of the process', listeners);
  add('threads', readdirSync(`/proc/${daemon.pid}/task`).length);
  add('processes', childrenOf(daemon.pid));
  return counts;
}

/** Files of the database are opened and closed as they are read, within a limit of their own. */
function kindOf(target: string): string {
  if (/\.(ldb|log|sst)$|MANIFEST/.test(target)) return 'database';
  return target.startsWith('/') ? 'file' : target.replace(/:?\[?\d*\]?$/, '');
}

function childrenOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => {
    const children = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim();
    return sum + (children === '' ? 0 : children.split(' ').length);
  }, 0);
}
