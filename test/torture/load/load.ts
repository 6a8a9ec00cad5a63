import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import type { EventFile } from '../../../bench/system/event-file.js';
import { readMainThread, type ThreadTimes } from '../../../bench/system/process-usage.js';
import { importEvents, RelayProcess } from '../../../bench/system/relay-process.js';
import { defaultTraffic } from '../../../bench/system/traffic.js';
import { errorMessage } from '../../../src/lib/errors.js';
import { ReleaseStack } from '../../../src/lib/release-stack.js';
import { TestClient } from '../../support/test-client.js';
import type { Part, PartRun } from '../part.js';
import { Crowd, type CrowdReport } from './crowd.js';
import { type Sample, takeSample } from './daemon-samples.js';
import { judgeLoad, type LoadFindings } from './load-verdict.js';
import { LoadWorld } from './load-world.js';
import { pause } from './pause.js';

/** From this time on the load is whole, and figures are held against their goals; below, counts shrink with the time. */
const wholeMs = 600_000;
const catchUpEvents = 200_000;
const hostedRepositories = 4;
/** Time in which caches fill and code is compiled, and that of the end, of that of the part. */
const warmUpShare = 0.05;
const endShare = 0.05;
const looks = 60;
/** How often the event loop is asked how late it is: what is measured are the times from one to the next. */
const loopIntervalMs = 10;
const lookMsMin = 500;

export const load: Part = {
  name: 'load',
  about: '5,000 idle and 1,000 busy clients, 200 events/s, git, a catch-up, and ten hostile clients at once',
  share: 44,
  async obstacle() {
    return process.platform === 'linux' ? undefined : 'it reads /proc';
  },
  async run(run) {
    const ms = run.timeLeft();
    const share = Math.min(1, ms / wholeMs);
    const scaled = (count: number) => Math.max(4, Math.round(count * share));
    await using stack = new ReleaseStack();
    const trafficEvents = Math.max(400, scaled(catchUpEvents));
    const { folder, seed } = run;
    const world = stack.use(
      await LoadWorld.create({ folder, seed, trafficEvents, hosted: hostedRepositories }),
    );
    const remote = stack.use(await remoteWith(world, folder));
    const crowd = stack.use(
      await Crowd.gather(world.target, world.repositories, {
        idle: scaled(5_000),
        asking: scaled(750),
        publishing: scaled(250),
        hostile: 10,
        requestsPerSecond: 150 * share,
        eventsPerSecond: 200 * share,
        lifeSeconds: 120,
        keptOneOf: 4,
        git: { cloneMs: 1_000, pushMs: 5_000 },
      }),
    );
    run.progress('all clients are connected');
    await pause(run.signal, ms * warmUpShare);
    await crowd.report(run, true);
    judgeLoad(run, await watch(run, world, remote, crowd, ms), share === 1);
  },
};

function trafficOf({ traffic }: LoadWorld): EventFile {
  if (traffic === undefined) throw new TypeError('there is no traffic');
  return traffic;
}

/** A relay that has all of the traffic. */
async function remoteWith(world: LoadWorld, folder: string): Promise<RelayProcess> {
  const data = join(folder, 'remote');
  await importEvents(trafficOf(world).stream(), { folder: data, signatures: 'system' });
  const remote = await RelayProcess.start({ name: 'remote', folder: data, signatures: 'system' });
  setPriority(remote.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  return remote;
}

/** Begins the catch-up and looks at the daemon until the time is over. */
async function watch(
  run: PartRun,
  world: LoadWorld,
  remote: RelayProcess,
  crowd: Crowd,
  ms: number,
): Promise<LoadFindings> {
  const { daemon } = world.hosting;
  let isWatched = true;
  void daemon.exited.then((code) => {
    if (isWatched && !run.signal.aborted)
      run.broken('no-input-stops', `the daemon ended with ${code}: ${daemon.output.slice(-20).join('\n')}`);
  });
  await world.inspector.evaluate(
    `globalThis.tortureLoop = require('node:perf_hooks').monitorEventLoopDelay({ resolution: ${loopIntervalMs} }), tortureLoop.enable()`,
  );
  const before = readMainThread(daemon.pid);
  const samples: Sample[] = [await takeSample(daemon)];
  let report: CrowdReport;
  await world.bootstrap(remote.url);
  const catchUp = caughtUp(run, world).catch((error: unknown) => {
    run.broken('honest-clients', `who waited for the catch-up: ${errorMessage(error)}`);
    return undefined;
  });
  const lookMs = Math.max(lookMsMin, run.timeLeft() / looks);
  do {
    await pause(run.signal, Math.min(lookMs, run.timeLeft() - ms * endShare));
    const sample = await takeSample(daemon);
    samples.push(sample);
    report = await crowd.report(run);
    const { publishing } = report;
    run.progress(
      `${sample.connections} connections, ${sample.events} events, loop p99 ${sample.loopP99Ms.toFixed(0)} ms, publish p99 ${publishing.p99Ms.toFixed(0)} ms`,
    );
  } while (run.timeLeft() > ms * endShare && !run.signal.aborted);
  const loopMs = await world.inspector.evaluate<readonly number[]>(
    `[50, 99, 99.9, 100].map((share) => tortureLoop.percentile(share) / 1e6 - ${loopIntervalMs})`,
  );
  const caughtUpMs = await catchUp;
  const mainThread = since(before, readMainThread(daemon.pid));
  isWatched = false;
  return { samples, report, loopMs, mainThread, caughtUpMs, log: daemon.log };
}

/** How long it took until all of the traffic was here, in milliseconds; `undefined` when it was not within the time. */
async function caughtUp(run: PartRun, world: LoadWorld): Promise<number | undefined> {
  const traffic = trafficOf(world);
  const beganAt = performance.now();
  // All else is of today.
  const until = defaultTraffic.startSeconds + traffic.events * 60 + 60;
  await using client = await TestClient.connect(world.target.url);
  while (run.timeLeft() > 0 && !run.signal.aborted) {
    if ((await client.count({ until })) >= traffic.events) return performance.now() - beganAt;
    await pause(run.signal, 1_000);
  }
  return undefined;
}

function since(before: ThreadTimes | undefined, after: ThreadTimes | undefined): ThreadTimes | undefined {
  if (before === undefined || after === undefined) return undefined;
  return {
    computedMs: after.computedMs - before.computedMs,
    waitedMs: after.waitedMs - before.waitedMs,
  };
}
