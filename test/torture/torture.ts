import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../src/lib/errors.js';
import { seededRandom } from '../../src/lib/random.js';
import type { Part } from './part.js';
import { TortureRecord } from './record.js';

export type TortureOptions = {
  readonly seed: number;
  /** Time of the whole run, in milliseconds, which the parts share. */
  readonly ms: number;
  readonly parts: readonly Part[];
  /** Where parts have their folders. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Told a line at a time what goes on. */
  readonly say: (line: string) => void;
};

/** How a run ended: what was found of the promises, and which parts failed or could not run, and why. */
export type TortureOutcome = {
  readonly record: TortureRecord;
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
};

/** Runs the parts one after the other, each for its share of the time. */
export async function torture({ ms, parts, ...options }: TortureOptions): Promise<TortureOutcome> {
  const { signal, say } = options;
  const record = new TortureRecord();
  const failed: string[] = [];
  const skipped: string[] = [];
  let shares = parts.reduce((sum, { share }) => sum + share, 0);
  const endsAt = performance.now() + ms;
  for (const part of parts) {
    if (signal.aborted) break;
    // A part that is skipped, or ends early, leaves its time to those after it.
    const partMs = ((endsAt - performance.now()) * part.share) / shares;
    shares -= part.share;
    const obstacle = await part.obstacle?.();
    if (obstacle !== undefined) {
      skipped.push(`${part.name}: ${obstacle}`);
      say(`${part.name}: skipped, ${obstacle}`);
      continue;
    }
    say(`${part.name}: ${part.about}, for ${(Math.max(0, partMs) / 60_000).toFixed(1)} minutes`);
    const why = await runPart(part, options, record, partMs);
    if (why === undefined) continue;
    failed.push(`${part.name}: ${why}`);
    say(`${part.name}: failed: ${why}`);
  }
  return { record, failed, skipped };
}

/** Answers why the part failed by itself, which is no finding about a promise; `undefined` when it did not. */
async function runPart(
  part: Part,
  { seed, folder: parent, signal, say }: Omit<TortureOptions, 'ms' | 'parts'>,
  record: TortureRecord,
  ms: number,
): Promise<string | undefined> {
  const folder = await mkdtemp(join(parent, `graspd-torture-${part.name}-`));
  const brokenBefore = record.brokenCount;
  const endsAt = performance.now() + ms;
  let why: string | undefined;
  try {
    await part.run({
      seed,
      random: seededRandom(seed),
      folder,
      signal,
      timeLeft: () => endsAt - performance.now(),
      tried: (promise, count) => record.tried(promise, count),
      broken(promise, how) {
        record.broken(promise, how);
        say(`${part.name}: BROKEN ${promise}: ${how}`);
      },
      figure: (promise, name, value) => record.figure(promise, name, value),
      progress: (words) => say(`${part.name}: ${words}`),
    });
  } catch (error) {
    if (!signal.aborted) why = errorMessage(error);
  }
  if (why === undefined && record.brokenCount === brokenBefore)
    await rm(folder, { recursive: true, force: true });
  else say(`${part.name}: what it left is in ${folder}`);
  return why;
}
