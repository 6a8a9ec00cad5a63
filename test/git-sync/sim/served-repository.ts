import type { FetchFailure, FetchRequest } from '../../../src/git-sync/remote.js';
import type { Clock } from '../../../src/lib/clock.js';
import { minuteMs, secondMs } from '../../../src/lib/clock.js';
import type { Random } from '../../../src/lib/random.js';
import { pick } from '../../sim/random.js';

/** What comes of a fetch: objects, or the class that the client finds for what it was sent. */
export type Sent =
  | { readonly objectIds: readonly string[]; readonly bytes: number }
  | { readonly failure: FetchFailure; readonly bytes: number };

type Lie = { readonly failure: FetchFailure; readonly bytes: number; readonly afterMs: number };

/** The ways in which a server lies that do not depend on what it has, as the client tells them apart. */
const lies = {
  'other objects': { failure: 'invalid', bytes: 300_000_000, afterMs: minuteMs },
  'commits without trees': { failure: 'invalid', bytes: 5_000, afterMs: secondMs },
  'a pack that is cut off': { failure: 'invalid', bytes: 40_000_000, afterMs: minuteMs },
  'refs that are none': { failure: 'invalid', bytes: 1_000, afterMs: secondMs },
  'a shallow history': { failure: 'invalid', bytes: 1_000, afterMs: secondMs },
  'too large a pack': { failure: 'large', bytes: 4_096_000_000, afterMs: 3 * minuteMs },
  'refs without end': { failure: 'large', bytes: 16_777_216, afterMs: 20 * secondMs },
  'a pack for which there is no room': { failure: 'ours', bytes: 100_000_000, afterMs: minuteMs },
  'a redirect': { failure: 'absent', bytes: 0, afterMs: 100 },
  'no such repository': { failure: 'absent', bytes: 0, afterMs: 100 },
  'nothing of it': { failure: 'lacking', bytes: 10, afterMs: 100 },
} as const satisfies Record<string, Lie>;

/** The other ways: a byte now and then, a part of what it has, and no object by its id. */
type Manner = 'honest' | 'drip' | 'partial' | 'tips only' | keyof typeof lies;

const lieNames = Object.keys(lies) as (keyof typeof lies)[];
const honestManners: Manner[] = Array.from({ length: 12 }, () => 'honest');
const faultyManners: readonly Manner[] = [
  ...honestManners,
  'partial',
  'partial',
  'tips only',
  'tips only',
  ...lieNames,
];
const hostileManners: readonly Manner[] = ['drip', 'drip', 'drip', ...lieNames];

/** How long a server that sends a byte now and then may go on while nobody waits for its place. */
const dripMsMax = 60 * minuteMs;
/** After so long it is looked whether enough comes. */
const spanMs = 2 * minuteMs;

/** A repository at a server: what it has, and how it serves that until the faults end. */
export class ServedRepository {
  /** Whether it means harm for good. */
  readonly isHostile: boolean;
  readonly #objects = new Set<string>();
  /** What its refs stand for. */
  #tips: ReadonlySet<string> = new Set();
  readonly #manner: Manner;
  readonly #random: Random;

  constructor(isHostile: boolean, random: Random) {
    this.isHostile = isHostile;
    this.#random = random;
    this.#manner = pick(random, isHostile ? hostileManners : faultyManners);
  }

  has(objectId: string): boolean {
    return this.#objects.has(objectId);
  }

  /** Somebody pushed these, to refs that stood for something else before. */
  push(objectIds: readonly string[]): void {
    for (const objectId of objectIds) this.#objects.add(objectId);
    this.#tips = new Set(objectIds);
  }

  async send(request: FetchRequest, faultsOn: boolean, clock: Clock, signal: AbortSignal): Promise<Sent> {
    const manner = faultsOn || this.isHostile ? this.#manner : 'honest';
    if (manner === 'drip') return await drip(request, clock, signal);
    if (isLie(manner)) {
      const { failure, bytes, afterMs } = lies[manner];
      // Less is taken of what is only proposed.
      const share = request.isProposal ? 0.1 : 1;
      await clock.sleep(afterMs * share, signal);
      return { failure, bytes: bytes * share };
    }
    let objectIds = request.objectIds.filter((objectId) => this.#objects.has(objectId));
    if (manner === 'tips only') objectIds = objectIds.filter((objectId) => this.#tips.has(objectId));
    if (manner === 'partial') objectIds = objectIds.filter(() => this.#random.next() < 0.5);
    return objectIds.length === 0 ? lies['nothing of it'] : { objectIds, bytes: 100 * objectIds.length };
  }
}

async function drip({ isAwaited }: FetchRequest, clock: Clock, signal: AbortSignal): Promise<Sent> {
  let ms = 0;
  do {
    await clock.sleep(spanMs, signal);
    ms += spanMs;
  } while (!isAwaited() && ms < dripMsMax);
  return { failure: 'slow', bytes: 20 * ms };
}

function isLie(manner: Manner): manner is keyof typeof lies {
  return manner in lies;
}
