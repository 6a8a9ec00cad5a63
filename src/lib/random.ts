/** A source of randomness for jitter and for choices; never for keys. */
export type Random = {
  /** A number in [0, 1). */
  next(): number;
};

export const systemRandom: Random = { next: Math.random };

/** A whole number in [0, below). */
export function randomInteger(random: Random, below: number): number {
  return Math.floor(random.next() * below);
}

/** A generator that gives the same sequence for the same seed (mulberry32): for tests, the simulation, benches. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}
