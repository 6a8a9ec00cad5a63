import fc from 'fast-check';
import { errorMessage } from '../../../src/lib/errors.js';
import { type Random, randomInteger } from '../../../src/lib/random.js';
import type { Guide } from './guide.js';
import { Mutator } from './mutate.js';
import { claimNoPollution, type Target } from './target.js';

/** Inputs between two looks at the clock. */
const batchInputs = 500;
/** Inputs between two looks at the blocks that they reach. */
const guidedInputs = 128;
const corpusMax = 2_000;
/** Different findings that are kept of a target. */
const findingsMax = 10;
/** One of so many inputs is made from scratch, where the target knows how. */
const structuredOneOf = 5;

export type Finding = { readonly input: Buffer; readonly what: string };

export type FuzzOptions = {
  readonly random: Random;
  /** How many inputs at most. */
  readonly inputs: number;
  /** Whether there is time for more. */
  readonly mayGoOn: () => boolean;
  /** Told how many inputs there were by now. */
  readonly onBatch?: (inputs: number) => void;
  /** The inputs to begin with. */
  readonly corpus?: readonly Buffer[];
  readonly guide?: Guide;
};

export type FuzzOutcome = {
  readonly inputs: number;
  readonly findings: readonly Finding[];
  /** Seeds, and inputs that reached something new. */
  readonly corpus: readonly Buffer[];
};

/** Gives a target one input after the other until there is no time left, or there were enough. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<FuzzOutcome> {
  const { random, mayGoOn, guide, onBatch } = options;
  const corpus = [...(options.corpus ?? target.seeds())];
  const source = new InputSource(target, random, corpus);
  const findings = new Map<string, Finding>();
  const give = async (inputs: readonly Buffer[]) => {
    for (const input of inputs) await giveInput(target, input, findings);
  };
  if (guide !== undefined) {
    guide.skip();
    await give(corpus);
    guide.hasNew(true);
  }
  let inputs = 0;
  while (inputs < options.inputs && mayGoOn()) {
    const count = Math.min(guide === undefined ? batchInputs : guidedInputs, options.inputs - inputs);
    const batch = Array.from({ length: count }, () => source.next());
    await give(batch);
    inputs += count;
    if (guide !== undefined && corpus.length < corpusMax) {
      for (const input of await reachingNew(batch, guide, give)) corpus.push(input);
    }
    claimNoPollution();
    onBatch?.(inputs);
  }
  const kept = [...findings.values()];
  for (const [at, finding] of kept.entries()) kept[at] = await shortened(target, finding);
  return { inputs, findings: kept, corpus };
}

/** What running a target on an input finds; `undefined` where all holds. */
export async function findingOf(target: Target, input: Buffer): Promise<string | undefined> {
  try {
    const running = target.run(input);
    if (running !== undefined) await running;
    return undefined;
  } catch (error) {
    return `${error instanceof Error ? error.name : 'what was thrown'}: ${errorMessage(error)}`;
  }
}

async function giveInput(target: Target, input: Buffer, findings: Map<string, Finding>): Promise<void> {
  const what = await findingOf(target, input);
  if (what === undefined) return;
  const sort = what.replaceAll(/[^a-zA-Z ]+/g, '').slice(0, 60);
  const known = findings.get(sort);
  if (known === undefined ? findings.size < findingsMax : known.input.length > input.length)
    findings.set(sort, { input, what });
}

/** Those of a batch that reach what was never reached; found by halves, for a look costs more than many inputs. */
async function reachingNew(
  batch: readonly Buffer[],
  guide: Guide,
  give: (inputs: readonly Buffer[]) => Promise<void>,
): Promise<Buffer[]> {
  if (!guide.hasNew(batch.length === 1)) return [];
  if (batch.length === 1) return [...batch];
  const middle = batch.length >>> 1;
  const found: Buffer[] = [];
  for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
    guide.skip();
    await give(half);
    for (const input of await reachingNew(half, guide, give)) found.push(input);
  }
  return found;
}

/** The finding with an input from which pieces were taken for as long as the same is found. */
async function shortened(target: Target, { input, what }: Finding): Promise<Finding> {
  const kind = what.slice(0, 30);
  let shortest = input;
  for (let size = input.length >>> 1; size > 0; size >>>= 1) {
    for (let at = 0; at < shortest.length && shortest.length < 20_000; ) {
      const shorter = Buffer.concat([shortest.subarray(0, at), shortest.subarray(at + size)]);
      if ((await findingOf(target, shorter))?.slice(0, 30) === kind) shortest = shorter;
      else at += size;
    }
  }
  return { input: shortest, what: (await findingOf(target, shortest)) ?? what };
}

/** Gives inputs: some are changed ones of the corpus, some are made from scratch. */
class InputSource {
  readonly #random: Random;
  readonly #corpus: readonly Buffer[];
  readonly #mutator: Mutator;
  readonly #structured: Target['structured'];
  #made: Buffer[] = [];

  constructor(target: Target, random: Random, corpus: readonly Buffer[]) {
    this.#random = random;
    this.#corpus = corpus;
    this.#mutator = new Mutator(target, random);
    this.#structured = target.structured;
  }

  next(): Buffer {
    if (this.#structured === undefined || randomInteger(this.#random, structuredOneOf) > 0)
      return this.#mutator.next(this.#corpus);
    if (this.#made.length === 0) {
      const seed = randomInteger(this.#random, 2 ** 31);
      this.#made = fc.sample(this.#structured, { seed, numRuns: 100 });
    }
    const made = this.#made.pop() as Buffer;
    return randomInteger(this.#random, 2) === 0 ? made : this.#mutator.next([made]);
  }
}
