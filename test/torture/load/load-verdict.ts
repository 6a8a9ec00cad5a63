import type { ThreadTimes } from '../../../bench/system/process-usage.js';
import { largest } from '../../../src/lib/collections/lists.js';
import type { LogLine } from '../../support/daemon-process.js';
import type { PartRun } from '../part.js';
import type { CrowdReport } from './crowd.js';
import { median, type Sample, thirds } from './daemon-samples.js';

/** What was seen of a daemon under load. */
export type LoadFindings = {
  readonly samples: readonly Sample[];
  readonly report: CrowdReport;
  /** How late the event loop was in all of the time: half of it, 99 and 99.9 of 100 times, and at most. */
  readonly loopMs: readonly number[];
  readonly mainThread: ThreadTimes | undefined;
  readonly caughtUpMs: number | undefined;
  readonly log: readonly LogLine[];
};

const loopP99MsMax = 50;
const publishP99MsMax = 250;
/** What the last third may take beyond the second: a share, some bytes, and some for each event that was stored meanwhile. */
const growth = { share: 1.1, bytes: 16_000_000, eventBytes: 600 };
const bytesPerMegabyte = 1_000_000;

/** Tells what was found, and holds it against its goals where the load was whole. */
export function judgeLoad(run: PartRun, findings: LoadFindings, isWhole: boolean): void {
  const { report, samples, caughtUpMs } = findings;
  judgeTurns(run, findings, isWhole);
  judgePublishing(run, report, isWhole);
  judgeMemory(run, samples, isWhole);
  judgeLog(run, findings.log);
  countHonest(run, report);
  countHostile(run, report);
  run.figure('honest-clients', 'catch-up', caughtUpMs === undefined ? 'not ended' : seconds(caughtUpMs));
  if (caughtUpMs === undefined && isWhole && !run.signal.aborted)
    run.broken('honest-clients', 'the catch-up did not end');
}

function judgeTurns(run: PartRun, { samples, loopMs, mainThread }: LoadFindings, isWhole: boolean): void {
  const [p50 = 0, p99 = 0, p999 = 0, most = 0] = loopMs;
  run.tried('loop-turns', samples.length);
  run.figure('loop-turns', 'p50', milliseconds(p50));
  run.figure('loop-turns', 'p99', milliseconds(p99));
  run.figure('loop-turns', 'p99.9', milliseconds(p999));
  run.figure('loop-turns', 'most', milliseconds(most));
  if (mainThread !== undefined) {
    run.figure('loop-turns', 'computed', seconds(mainThread.computedMs));
    run.figure('loop-turns', 'waited for a core', seconds(mainThread.waitedMs));
  }
  if (isWhole && p99 > loopP99MsMax) run.broken('loop-turns', `late by ${milliseconds(p99)} (p99)`);
}

function judgePublishing(run: PartRun, { publishing, asking }: CrowdReport, isWhole: boolean): void {
  run.tried('publish-latency', publishing.answered);
  run.figure('publish-latency', 'p50', milliseconds(publishing.p50Ms));
  run.figure('publish-latency', 'p99', milliseconds(publishing.p99Ms));
  run.figure('publish-latency', 'most', milliseconds(publishing.maxMs));
  run.figure('publish-latency', "the clients' own loop p99", milliseconds(publishing.ownLoopP99Ms));
  run.figure('publish-latency', 'requests p50', milliseconds(asking.p50Ms));
  run.figure('publish-latency', 'requests p99', milliseconds(asking.p99Ms));
  if (isWhole && publishing.p99Ms > publishP99MsMax)
    run.broken('publish-latency', `${milliseconds(publishing.p99Ms)} (p99)`);
}

/** Events stay, and so does what the index has of each: that is growth with its reason. */
function judgeMemory(run: PartRun, samples: readonly Sample[], isWhole: boolean): void {
  const { second, last } = thirds(samples);
  const events = Math.max(0, median(last.map((one) => one.events)) - median(second.map((one) => one.events)));
  run.tried('flat-memory', samples.length);
  run.figure('flat-memory', 'events', count(samples.at(-1)?.events ?? 0));
  for (const what of ['residentBytes', 'heapBytes'] as const) {
    const [before, after] = [second, last].map((part) => median(part.map((one) => one[what])));
    if (before === undefined || after === undefined) continue;
    const name = what === 'heapBytes' ? 'heap' : 'resident';
    run.figure(
      'flat-memory',
      `${name} in the second and last third`,
      `${megabytes(before)}, ${megabytes(after)}`,
    );
    const most = before * growth.share + growth.bytes + events * growth.eventBytes;
    if (isWhole && after > most)
      run.broken(
        'flat-memory',
        `${name} from ${megabytes(before)} to ${megabytes(after)} with ${events} events more`,
      );
  }
  run.figure('flat-memory', 'resident at most', megabytes(largest(samples.map((one) => one.residentBytes))));
}

/** Errors of the log are faults of the daemon, whoever caused them. */
export function judgeLog(run: PartRun, log: readonly LogLine[]): void {
  run.tried('no-input-stops');
  for (const line of log) {
    if (line.level === 'error' || line.level === 'fatal')
      run.broken('no-input-stops', `in the log: ${JSON.stringify(line).slice(0, 500)}`);
  }
}

function countHonest(run: PartRun, { idle, asking, publishing, clones, pushes }: CrowdReport): void {
  run.tried('honest-clients', asking.answered + publishing.answered + clones + pushes);
  run.figure(
    'honest-clients',
    'connections',
    count(idle.connections + asking.connections + publishing.connections),
  );
  run.figure('honest-clients', 'requests', count(asking.answered));
  run.figure('honest-clients', 'deliveries', count(asking.deliveries));
  run.figure('honest-clients', 'clones', count(clones));
  run.figure('honest-clients', 'pushes', count(pushes));
}

function countHostile(run: PartRun, { hostile }: CrowdReport): void {
  const attacks = Object.values(hostile);
  const sum = (what: 'sent' | 'connections') => attacks.reduce((total, attack) => total + attack[what], 0);
  run.figure('honest-clients', 'kinds of attack', count(attacks.length));
  run.figure('honest-clients', 'hostile messages', count(sum('sent')));
  run.figure('honest-clients', 'hostile connections', count(sum('connections')));
  run.progress(
    Object.entries(hostile)
      .map(
        ([name, { sent, connections }]) => `${name}: ${count(sent)} sent, ${count(connections)} connections`,
      )
      .join('; '),
  );
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / bytesPerMegabyte)} MB`;
}
