import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { do_not_optimize, measure } from 'mitata';
import type { Contender, Figures, Role, Scale, Work } from './topic.js';

/** The times of one contender at one work, for one unit, in nanoseconds. */
export type Result = {
  readonly topic: string;
  readonly work: string;
  readonly n: number;
  readonly contender: string;
  readonly role: Role;
  readonly minNs: number;
  readonly medianNs: number;
  readonly p25Ns: number;
  readonly p75Ns: number;
  readonly samples: number;
  readonly figures?: Figures;
};

/** Collects garbage before each contender, so that none pays for what another left. */
setFlagsFromString('--expose-gc');
const gc: () => void = runInNewContext('gc');

/** `rounds`: how often the contenders take turns. */
const effort = {
  full: { rounds: 1, samplesMin: 12, slowSamplesMin: 3, timeNsMin: 400e6, batchSamples: 1024 },
  small: { rounds: 3, samplesMin: 12, slowSamplesMin: 8, timeNsMin: 40e6, batchSamples: 64 },
} as const;

/**
 * Times all contenders of a work in this process. In small runs they take turns, so that what else the machine does
 * for a while meets all of them; each is given its calmest round, and its least time of all rounds.
 */
export async function measureWork(topic: string, work: Work, scale: Scale): Promise<Result[]> {
  let best = await measureRound(topic, work, scale);
  for (let round = 1; round < effort[scale].rounds; round++) {
    const results = await measureRound(topic, work, scale);
    best = best.map((before, index) => calmer(before, results[index]!));
  }
  return best;
}

function calmer(a: Result, b: Result): Result {
  return { ...(b.medianNs < a.medianNs ? b : a), minNs: Math.min(a.minNs, b.minNs) };
}

async function measureRound(topic: string, work: Work, scale: Scale): Promise<Result[]> {
  const results: Result[] = [];
  for (const contender of work.contenders) {
    const stats = await time(contender, scale);
    const units = work.units ?? 1;
    const figures = contender.figures?.();
    results.push({
      topic,
      work: work.name,
      n: work.n,
      contender: contender.name,
      role: contender.role,
      minNs: stats.min / units,
      medianNs: stats.p50 / units,
      p25Ns: stats.p25 / units,
      p75Ns: stats.p75 / units,
      samples: stats.ticks,
      ...(figures && { figures }),
    });
  }
  return results;
}

async function time({ prepare, run, slow }: Contender, scale: Scale) {
  const { samplesMin, slowSamplesMin, timeNsMin, batchSamples } = effort[scale];
  const options = {
    gc,
    min_samples: slow ? slowSamplesMin : samplesMin,
    min_cpu_time: slow ? 0 : timeNsMin,
    batch_samples: batchSamples,
  };
  if (prepare === undefined) return await measure(() => do_not_optimize(run(undefined)), options);
  return await measure(
    function* () {
      yield { 0: prepare, bench: (input: unknown) => do_not_optimize(run(input)) };
    } as never,
    options,
  );
}
