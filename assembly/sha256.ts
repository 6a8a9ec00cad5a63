/*
 * SHA-256 (FIPS 180-4) of one block: a range fingerprint hashes 33 to 37 bytes, which fit a single block with
 * their padding. Four blocks at once take little more time than one, a lane of each vector for each.
 */

// biome-ignore format: the table as the standard prints it
const roundConstants: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
/** The 64 words of the message schedule. */
const schedule: usize = memory.data(64 * 4);

/** Writes the first 16 bytes of the hash of the padded 64-byte `block` to `out`. */
export function hashBlockTo16(block: usize, out: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(schedule + i, bswap(load<u32>(block + i)));
  for (let i: usize = 64; i < 256; i += 4) {
    const at = schedule + i;
    const w15 = load<u32>(at - 60);
    const w2 = load<u32>(at - 8);
    const s0 = rotr(w15, 7) ^ rotr(w15, 18) ^ (w15 >> 3);
    const s1 = rotr(w2, 17) ^ rotr(w2, 19) ^ (w2 >> 10);
    store<u32>(at, load<u32>(at - 64) + s0 + load<u32>(at - 28) + s1);
  }
  let a: u32 = 0x6a09e667;
  let b: u32 = 0xbb67ae85;
  let c: u32 = 0x3c6ef372;
  let d: u32 = 0xa54ff53a;
  let e: u32 = 0x510e527f;
  let f: u32 = 0x9b05688c;
  let g: u32 = 0x1f83d9ab;
  let h: u32 = 0x5be0cd19;
  for (let i: usize = 0; i < 256; i += 4) {
    const t1 =
      h +
      (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) +
      (g ^ (e & (f ^ g))) +
      load<u32>(roundConstants + i) +
      load<u32>(schedule + i);
    const t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) | (c & (a | b)));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  store<u32>(out, bswap(a + 0x6a09e667));
  store<u32>(out, bswap(b + 0xbb67ae85), 4);
  store<u32>(out, bswap(c + 0x3c6ef372), 8);
  store<u32>(out, bswap(d + 0xa54ff53a), 12);
}

/** The message schedules of four blocks: 64 vectors. */
const schedules: usize = memory.data(64 * 16, 16);

// @ts-ignore: decorator
@inline
function rotr4(value: v128, bits: i32): v128 {
  return v128.or(i32x4.shr_u(value, bits), i32x4.shl(value, 32 - bits));
}

/** Between the order of bytes of the hash and that of the memory. */
// @ts-ignore: decorator
@inline
function bswap4(value: v128): v128 {
  return i8x16.shuffle(value, value, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** Adds what the state was before the only block, and writes the lanes 16 bytes apart. */
// @ts-ignore: decorator
@inline
function writeLanes(value: v128, initial: i32, out: usize): void {
  const word = bswap4(i32x4.add(value, i32x4.splat(initial)));
  v128.store_lane<u32>(out, word, 0);
  v128.store_lane<u32>(out, word, 1, 16);
  v128.store_lane<u32>(out, word, 2, 32);
  v128.store_lane<u32>(out, word, 3, 48);
}

function writeSchedules(blocks: usize): void {
  for (let i: usize = 0; i < 64; i += 4) {
    let word = v128.load_splat<u32>(blocks + i);
    word = v128.load_lane<u32>(blocks + i, word, 1, 64);
    word = v128.load_lane<u32>(blocks + i, word, 2, 128);
    word = v128.load_lane<u32>(blocks + i, word, 3, 192);
    v128.store(schedules + (i << 2), bswap4(word));
  }
  for (let at = schedules + 16 * 16; at < schedules + 64 * 16; at += 16) {
    const w15 = v128.load(at - 15 * 16);
    const w2 = v128.load(at - 2 * 16);
    const s0 = v128.xor(v128.xor(rotr4(w15, 7), rotr4(w15, 18)), i32x4.shr_u(w15, 3));
    const s1 = v128.xor(v128.xor(rotr4(w2, 17), rotr4(w2, 19)), i32x4.shr_u(w2, 10));
    const before = i32x4.add(v128.load(at - 16 * 16), v128.load(at - 7 * 16));
    v128.store(at, i32x4.add(before, i32x4.add(s0, s1)));
  }
}

/** Writes the first 16 bytes of each of the hashes of four padded 64-byte blocks, which follow each other, to `out`. */
export function hashBlocksTo16(blocks: usize, out: usize): void {
  writeSchedules(blocks);
  let a = i32x4.splat(0x6a09e667);
  let b = i32x4.splat(0xbb67ae85);
  let c = i32x4.splat(0x3c6ef372);
  let d = i32x4.splat(0xa54ff53a);
  let e = i32x4.splat(0x510e527f);
  let f = i32x4.splat(0x9b05688c);
  let g = i32x4.splat(0x1f83d9ab);
  let h = i32x4.splat(0x5be0cd19);
  for (let i: usize = 0; i < 256; i += 4) {
    const sum1 = v128.xor(v128.xor(rotr4(e, 6), rotr4(e, 11)), rotr4(e, 25));
    const choice = v128.xor(g, v128.and(e, v128.xor(f, g)));
    const input = i32x4.add(v128.load_splat<u32>(roundConstants + i), v128.load(schedules + (i << 2)));
    const t1 = i32x4.add(i32x4.add(h, sum1), i32x4.add(choice, input));
    const sum0 = v128.xor(v128.xor(rotr4(a, 2), rotr4(a, 13)), rotr4(a, 22));
    const majority = v128.or(v128.and(a, b), v128.and(c, v128.or(a, b)));
    h = g;
    g = f;
    f = e;
    e = i32x4.add(d, t1);
    d = c;
    c = b;
    b = a;
    a = i32x4.add(t1, i32x4.add(sum0, majority));
  }
  writeLanes(a, 0x6a09e667, out);
  writeLanes(b, 0xbb67ae85, out + 4);
  writeLanes(c, 0x3c6ef372, out + 8);
  writeLanes(d, 0xa54ff53a, out + 12);
}
