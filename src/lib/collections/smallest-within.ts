/** The keys of those with the fewest bytes, the smallest first, that have no more than `bytesMax` together. */
export function smallestWithin<Key>(bytesOf: ReadonlyMap<Key, number>, bytesMax: number): Key[] {
  const keys: Key[] = [];
  let sum = 0;
  for (const [key, bytes] of [...bytesOf].sort(([, one], [, other]) => one - other)) {
    sum += bytes;
    if (sum > bytesMax) break;
    keys.push(key);
  }
  return keys;
}
