/*
 * Sums of 256-bit little-endian numbers mod 2^256.
 *
 * A number is eight 32-bit limbs, held in the 64-bit lanes of four vectors, so that a sum of fewer than 2^31 numbers
 * needs no carry until its end. Lanes are signed: subtraction is the same without the minus.
 *
 *   even0 = limb 2 │ limb 0     odd0 = limb 3 │ limb 1     even1 = limb 6 │ limb 4     odd1 = limb 7 │ limb 5
 */

let even0: v128 = i64x2.splat(0);
let odd0: v128 = i64x2.splat(0);
let even1: v128 = i64x2.splat(0);
let odd1: v128 = i64x2.splat(0);

/** Begins a new sum. */
export function clear(): void {
  even0 = i64x2.splat(0);
  odd0 = i64x2.splat(0);
  even1 = i64x2.splat(0);
  odd1 = i64x2.splat(0);
}

/** Adds the numbers at `first`, `first + step`, … below `end`. */
export function addAll(first: usize, end: usize, step: usize): void {
  const low = i64x2.splat(0xffffffff);
  let e0 = even0;
  let o0 = odd0;
  let e1 = even1;
  let o1 = odd1;
  for (let at = first; at < end; at += step) {
    const v0 = v128.load(at);
    const v1 = v128.load(at, 16);
    e0 = i64x2.add(e0, v128.and(v0, low));
    o0 = i64x2.add(o0, i64x2.shr_u(v0, 32));
    e1 = i64x2.add(e1, v128.and(v1, low));
    o1 = i64x2.add(o1, i64x2.shr_u(v1, 32));
  }
  even0 = e0;
  odd0 = o0;
  even1 = e1;
  odd1 = o1;
}

/** Subtracts the numbers at `first`, `first + step`, … below `end`. */
export function subtractAll(first: usize, end: usize, step: usize): void {
  const low = i64x2.splat(0xffffffff);
  let e0 = even0;
  let o0 = odd0;
  let e1 = even1;
  let o1 = odd1;
  for (let at = first; at < end; at += step) {
    const v0 = v128.load(at);
    const v1 = v128.load(at, 16);
    e0 = i64x2.sub(e0, v128.and(v0, low));
    o0 = i64x2.sub(o0, i64x2.shr_u(v0, 32));
    e1 = i64x2.sub(e1, v128.and(v1, low));
    o1 = i64x2.sub(o1, i64x2.shr_u(v1, 32));
  }
  even0 = e0;
  odd0 = o0;
  even1 = e1;
  odd1 = o1;
}

/** Carries once through the eight limbs and writes the number mod 2^256 to `out`. */
export function settle(out: usize): void {
  let carry = i64x2.extract_lane(even0, 0);
  let low = carry & 0xffffffff;
  carry = i64x2.extract_lane(odd0, 0) + (carry >> 32);
  store<i64>(out, low | (carry << 32));
  carry = i64x2.extract_lane(even0, 1) + (carry >> 32);
  low = carry & 0xffffffff;
  carry = i64x2.extract_lane(odd0, 1) + (carry >> 32);
  store<i64>(out, low | (carry << 32), 8);
  carry = i64x2.extract_lane(even1, 0) + (carry >> 32);
  low = carry & 0xffffffff;
  carry = i64x2.extract_lane(odd1, 0) + (carry >> 32);
  store<i64>(out, low | (carry << 32), 16);
  carry = i64x2.extract_lane(even1, 1) + (carry >> 32);
  low = carry & 0xffffffff;
  carry = i64x2.extract_lane(odd1, 1) + (carry >> 32);
  store<i64>(out, low | (carry << 32), 24);
}

/** Adds the 256-bit number at `number` to the one at `sum`. */
export function addTo(sum: usize, number: usize): void {
  let carry: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) {
    const part = load<u64>(sum + i) + carry;
    const total = part + load<u64>(number + i);
    carry = <u64>(part < carry) + <u64>(total < part);
    store<u64>(sum + i, total);
  }
}

/** Subtracts the 256-bit number at `number` from the one at `sum`. */
// @ts-ignore: decorator
@inline
export function subtractFrom(sum: usize, number: usize): void {
  writeDifference(sum, number, sum);
}

/** Writes `number` less `less`, two 256-bit numbers, to `out`. */
export function writeDifference(number: usize, less: usize, out: usize): void {
  let borrow: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) {
    const had = load<u64>(number + i);
    const part = had - borrow;
    const taken = load<u64>(less + i);
    borrow = <u64>(had < borrow) + <u64>(part < taken);
    store<u64>(out + i, part - taken);
  }
}
