import { ReleaseStack } from '../../../src/lib/release-stack.js';
import { freePort } from '../../support/free-port.js';
import { PlainRelay } from '../../support/plain-relay.js';
import type { Part, PartRun } from '../part.js';
import { Crowd, type CrowdReport } from './crowd.js';
import { readMetrics } from './daemon-samples.js';
import { judgeLog } from './load-verdict.js';
import { LoadWorld } from './load-world.js';
import { pause } from './pause.js';
import { lookAtRest, type RestState } from './rest-state.js';
import { judgeRest } from './soak-verdict.js';

/** From this time on the load is whole; below, counts shrink with the time. */
const wholeMs = 600_000;
/** A round takes so much of the time, and ten minutes at most. */
const roundShare = 0.1;
const roundMsMax = 600_000;
/** The first look is after so much of the time, when caches are full, and after ten minutes at most. */
const firstShare = 1 / 3;
const firstMsMax = 600_000;
/** What is published expires soon, so that the store stays as it is. */
const lifeSeconds = 45;
/** Until what expired is swept away, beside its life. */
const sweepMs = 75_000;
/** Longest wait until nobody is connected any more. */
const quietMsMax = 20_000;
const looksPerRound = 6;

export const soak: Part = {
  name: 'soak',
  about: 'mixed load in rounds, and what is left of it when all have gone',
  share: 25,
  async obstacle() {
    return process.platform === 'linux' ? undefined : 'it reads /proc';
  },
  async run(run) {
    const ms = run.timeLeft();
    const share = Math.min(1, ms / wholeMs);
    await using stack = new ReleaseStack();
    const { folder, seed } = run;
    const world = stack.use(await LoadWorld.create({ folder, seed, trafficEvents: 0, hosted: 2 }));
    // Another relay, which comes and goes with the rounds.
    const neighbourPort = await freePort();
    await world.bootstrap(`ws://127.0.0.1:${neighbourPort}`);
    run.progress('the daemon runs');
    const restMs = share === 1 ? lifeSeconds * 1_000 + sweepMs : 0;
    const roundMs = Math.max(1_000, Math.min(roundMsMax, ms * roundShare));
    const firstMs = Math.min(firstMsMax, ms * firstShare);
    let before: RestState | undefined;
    let rounds = 0;
    let connections = 0;
    do {
      connections += await oneRound(
        run,
        world,
        neighbourPort,
        share,
        Math.min(roundMs, run.timeLeft() - restMs),
      );
      rounds += 1;
      const isDue = ms - run.timeLeft() >= firstMs || run.signal.aborted;
      if (isDue) before ??= await rest(run, world, restMs);
    } while (before === undefined || (run.timeLeft() > restMs + roundMs / 2 && !run.signal.aborted));
    const after = await rest(run, world, restMs);
    judgeLog(run, world.hosting.daemon.log);
    run.figure('flat-memory', 'rounds', String(rounds));
    judgeRest(run, before, after, { connections, isWhole: share === 1 });
  },
};

/** All come, use the daemon for some time, and go. Resolves to how many connections that were. */
async function oneRound(
  run: PartRun,
  world: LoadWorld,
  neighbourPort: number,
  share: number,
  ms: number,
): Promise<number> {
  const endsAt = performance.now() + ms;
  await using stack = new ReleaseStack();
  stack.use(await PlainRelay.serve([], { port: neighbourPort }));
  const scaled = (count: number) => Math.max(4, Math.round(count * share));
  const crowd = stack.use(
    await Crowd.gather(world.target, world.repositories, {
      idle: scaled(300),
      asking: scaled(100),
      publishing: scaled(60),
      hostile: 10,
      requestsPerSecond: Math.max(2, 30 * share),
      eventsPerSecond: Math.max(2, 40 * share),
      lifeSeconds,
      git: { cloneMs: 3_000, pushMs: 10_000 },
    }),
  );
  let report: CrowdReport;
  do {
    await pause(run.signal, Math.min(ms / looksPerRound, endsAt - performance.now()));
    report = await crowd.report(run);
  } while (performance.now() < endsAt && !run.signal.aborted);
  const hostile = Object.values(report.hostile);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  run.progress(
    `${report.publishing.answered} events, ${report.asking.answered} requests, ${sum(hostile.map(({ sent }) => sent))} hostile messages`,
  );
  const { idle, asking, publishing, clones, pushes } = report;
  run.tried('honest-clients', asking.answered + publishing.answered + clones + pushes);
  return sum([idle, asking, publishing, ...hostile].map(({ connections }) => connections));
}

/** Waits until the daemon is at rest, and looks at it. */
async function rest(run: PartRun, world: LoadWorld, ms: number): Promise<RestState> {
  const { daemon } = world.hosting;
  await pause(run.signal, ms);
  const giveUpAt = performance.now() + quietMsMax;
  // The one that publishes announcements and states stays.
  while ((await readMetrics(daemon)).get('ngit_relay_connections') !== 1 && performance.now() < giveUpAt)
    await pause(run.signal, 250);
  return await lookAtRest(daemon, world.inspector);
}
