const resets: (() => void)[] = [];

/** Gives the number after the last one, the first time after `start`; in each test file anew. */
export function counterFrom(start: number): () => number {
  let last = start;
  resets.push(() => {
    last = start;
  });
  return () => {
    last += 1;
    return last;
  };
}

/** Has all counters begin anew. */
export function resetCounters(): void {
  for (const reset of resets) reset();
}
