import { readFileSync } from 'node:fs';
import type { DaemonProcess } from '../../support/daemon-process.js';

/** What a look at the daemon found. */
export type Sample = {
  readonly atMs: number;
  /** Resident memory without the pages of files, which the system takes back when it needs them. */
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** How late the event loop was since the last look, 99 times of 100, as `/metrics` has it. */
  readonly loopP99Ms: number;
  readonly events: number;
  readonly connections: number;
};

const kibibyte = 1_024;

/** The metrics of a daemon, by series. */
export async function readMetrics(daemon: DaemonProcess): Promise<ReadonlyMap<string, number>> {
  const lines = (await daemon.get('/metrics'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))] as const;
    }),
  );
}

export async function takeSample(daemon: DaemonProcess): Promise<Sample> {
  const metrics = await readMetrics(daemon);
  const of = (name: string) => metrics.get(name) ?? 0;
  return {
    atMs: performance.now(),
    residentBytes: anonymousBytes(daemon.pid),
    heapBytes: of('nodejs_heap_size_used_bytes'),
    loopP99Ms: of('nodejs_eventloop_lag_p99_seconds') * 1_000,
    events: of('ngit_store_events'),
    connections: of('ngit_relay_connections'),
  };
}

/** Resident memory of a process that is of no file. */
export function anonymousBytes(pid: number): number {
  const kibibytes = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes ?? 0) * kibibyte;
}

/** The middle one of some numbers; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Samples of the second and of the last third of a time. */
export function thirds(samples: readonly Sample[]): { readonly second: Sample[]; readonly last: Sample[] } {
  const from = samples[0]?.atMs ?? 0;
  const third = ((samples.at(-1)?.atMs ?? 0) - from) / 3;
  return {
    second: samples.filter(({ atMs }) => atMs >= from + third && atMs < from + 2 * third),
    last: samples.filter(({ atMs }) => atMs >= from + 2 * third),
  };
}
