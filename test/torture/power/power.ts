import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../../src/lib/errors.js';
import { type Random, randomInteger } from '../../../src/lib/random.js';
import { DaemonProcess } from '../../support/daemon-process.js';
import type { Part, PartRun } from '../part.js';
import type { CrashModel } from './crash-model.js';
import { Ledger, type Time } from './ledger.js';
import { flags, Load } from './load.js';
import { hasCompiler, Recorder, writeLeft } from './recording.js';
import type { DiskRecord } from './records.js';
import { examineSurvivor } from './survivor.js';
import { tornFiles } from './torn-files.js';

/** How long the daemon works under load in a recording. */
const loadMs = 6_000;
/** Power failures of one recording after which graspd is started, and those after which only files are looked at. */
const failures = 25;
const lookedAtOnly = 2_000;

/** Copies a folder. What was left was there before the machine started, which tells a lock that nobody has. */
const asItIs = { recursive: true, preserveTimestamps: true };

export const power: Part = {
  name: 'power',
  about: 'power failures: what was not forced to the disk is lost or torn',
  share: 12,
  obstacle: async () => ((await hasCompiler()) ? undefined : 'it needs Linux and a C compiler (cc)'),
  run: (run) => failOften(run, { loadMs, failures, lookedAtOnly }),
};

export type FailurePlan = {
  readonly loadMs: number;
  readonly failures: number;
  readonly lookedAtOnly: number;
};

/** Recordings, one upon what a failure of the one before left, until the time is over. */
export async function failOften(
  run: Pick<PartRun, 'random' | 'folder' | 'signal' | 'timeLeft' | 'tried' | 'broken' | 'progress'>,
  { loadMs, failures, lookedAtOnly }: FailurePlan,
): Promise<void> {
  const { random, folder, signal } = run;
  const recorder = await Recorder.make(folder);
  let ledger = new Ledger();
  await using load = new Load(random, () => ledger);
  let count = 0;
  for (let round = 0; round === 0 || run.timeLeft() > 0; round += 1) {
    const root = join(folder, `round-${round}`);
    await mkdir(join(root, 'backups'), { recursive: true });
    const log = join(folder, `round-${round}.log`);
    const recording = await recorder.record(root, log, randomInteger(random, 3_000));
    await work(root, recording.environment, load, random, loadMs);
    const records = await recording.records();
    const model = recording.model();
    lookAtFiles(records, recording.model(), random, lookedAtOnly, (how) => {
      run.broken('power-failure', `round ${round}: ${how}`);
    });
    run.tried('power-failure', lookedAtOnly);
    const moments = momentsIn(records, ledger, random, failures);
    const [next, at] = [join(folder, 'next'), join(folder, 'survivor')];
    let survived: Ledger | undefined;
    let done = 0;
    for (const [index, moment] of moments.entries()) {
      if (signal.aborted || (index > 0 && run.timeLeft() < 0)) break;
      for (; done < records.length && records[done]!.time <= moment; done += 1) model.apply(records[done]!);
      await writeLeft(model.afterFailure(random), at);
      const then = ledger.at(moment);
      // The next recording is of a daemon that finds one of these.
      if (survived === undefined || random.next() < 2 / failures) {
        await rm(next, { recursive: true, force: true });
        await cp(at, next, asItIs);
        survived = then;
      }
      const name = `failure ${count} (round ${round}, of ${moments.length} the ${index}th)`;
      await cp(at, `${at}-before`, asItIs);
      let isBroken = false;
      await examineSurvivor(at, then, load, (how) => {
        isBroken = true;
        run.broken('power-failure', `${name}: ${how}`);
      });
      run.tried('power-failure');
      count += 1;
      if (isBroken) await cp(`${at}-before`, join(folder, `broken-${count}`), asItIs);
      for (const path of [at, `${at}-before`]) await rm(path, { recursive: true, force: true });
    }
    for (; done < records.length; done += 1) model.apply(records[done]!);
    const missed = await recording.differences(model);
    if (missed.length > 0) throw new Error(`the recorder missed what was done to ${missed.join(', ')}`);
    run.progress(`${count} power failures, ${ledger.events.size} events`);
    if (survived === undefined || signal.aborted) return;
    ledger = survived;
    for (const path of [root, log]) await rm(path, { recursive: true, force: true });
    await cp(next, join(folder, `round-${round + 1}`), asItIs);
  }
}

/** A daemon under load, which is stopped or killed at the end. */
async function work(
  directory: string,
  environment: Readonly<Record<string, string>>,
  load: Load,
  random: Random,
  ms: number,
): Promise<void> {
  const daemon = await DaemonProcess.start({ directory, flags, environment });
  await using _ = daemon;
  const until = performance.now() + ms;
  try {
    await load.run(daemon, environment, () => performance.now() > until);
  } catch (cause) {
    const said = daemon.log.filter(({ level }) => level !== 'info').slice(-5);
    throw new Error(`${errorMessage(cause)}; the daemon said ${JSON.stringify(said)}`, { cause });
  }
  await sleep(randomInteger(random, 50));
  daemon.kill(random.next() < 0.7 ? 'SIGTERM' : 'SIGKILL');
  await daemon.exited;
}

/** Looks after many failures whether git would find a file that it cannot read: empty, torn, or with zeros. */
function lookAtFiles(
  records: readonly DiskRecord[],
  model: CrashModel,
  random: Random,
  count: number,
  broken: (how: string) => void,
): void {
  const found = new Set<string>();
  for (const [at, record] of records.entries()) {
    model.apply(record);
    // Evenly over all records, so that many fall between two operations that belong together.
    const times = Math.floor(((at + 1) * count) / records.length) - Math.floor((at * count) / records.length);
    for (let time = 0; time < times; time += 1)
      for (const path of tornFiles(model.afterFailure(random))) found.add(path);
  }
  for (const path of found) broken(`${path} may be torn or empty`);
}

/** Moments of failures, in order: some anywhere, most just before something is forced, or just after it was promised. */
function momentsIn(records: readonly DiskRecord[], ledger: Ledger, random: Random, count: number): Time[] {
  const any = records.map(({ time }) => time);
  const forcing = records.filter(({ type }) => type.startsWith('sync')).map(({ time }) => time - 1n);
  const first = any[0] ?? 0n;
  const facts = [ledger.events, ledger.backups, ledger.bans].flatMap((map) => [...map.values()]);
  const promised = [...facts, ...ledger.removals, ...[...ledger.pushes.values()].flat()].flatMap(
    ({ ackedAt }) => (ackedAt !== undefined && ackedAt >= first ? [ackedAt] : []),
  );
  const sorts = [any, forcing, promised].filter((times) => times.length > 0);
  const chosen = Array.from({ length: count }, () => {
    const times = sorts[randomInteger(random, sorts.length)]!;
    return times[randomInteger(random, times.length)]!;
  });
  return chosen.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
