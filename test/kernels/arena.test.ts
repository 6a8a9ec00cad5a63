import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KernelMemoryError } from '../../src/kernels/errors.js';
import { Arena } from '../../src/kernels/wasm/arena.js';
import { BlockPool } from '../../src/kernels/wasm/block-pool.js';
import { instantiateKernels } from '../../src/kernels/wasm/module.js';

const megabyte = 2 ** 20;

function createArena(bytesMax: number): Arena {
  const module = instantiateKernels();
  return new Arena(module.memory, module.heapBase(), bytesMax);
}

const isFilled = (bytes: Uint8Array, byte: number): boolean =>
  Buffer.compare(bytes, Buffer.alloc(bytes.length, byte)) === 0;

describe('arena', () => {
  it('keeps regions apart and their content, through any sequence of calls', () => {
    const size = fc.oneof(fc.nat(3000), fc.integer({ min: 100_000, max: 600_000 }));
    const step = fc.record({ act: fc.constantFrom('take', 'take', 'give', 'resize'), size, pick: fc.nat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const arena = createArena(8 * megabyte);
        const live: { start: number; bytes: number; mark: number }[] = [];
        let mark = 0;
        const fill = (start: number, bytes: number) => {
          mark = (mark + 1) % 256;
          arena.bytes.fill(mark, start, start + bytes);
          return { start, bytes, mark };
        };
        for (const { act, size: bytes, pick } of steps) {
          const at = pick % Math.max(live.length, 1);
          const region = live[at];
          try {
            if (act === 'take') live.push(fill(arena.allocate(bytes), bytes));
            else if (region && act === 'give') arena.free(live.splice(at, 1)[0]!.start);
            else if (region) {
              const start = arena.resize(region.start, bytes);
              const kept = Math.min(bytes, region.bytes);
              expect(isFilled(arena.bytes.subarray(start, start + kept), region.mark)).toBe(true);
              live[at] = fill(start, bytes);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(KernelMemoryError);
          }
        }
        for (const { start, bytes, mark: expected } of live) {
          expect(isFilled(arena.bytes.subarray(start, start + bytes), expected)).toBe(true);
        }
        for (const { start } of live) arena.free(start);
        expect(arena.usage().bytesInUse).toBe(0);
        const { bytesReserved } = arena.usage();
        arena.allocate(bytesReserved - megabyte / 2);
        expect(arena.usage().bytesReserved).toBe(bytesReserved);
      }),
      { seed: 6, numRuns: 40 },
    );
  });

  it('never reserves more than its limit, and says so', () => {
    const arena = createArena(3 * megabyte);
    const taken = arena.allocate(1.5 * megabyte);
    expect(() => arena.allocate(1.5 * megabyte)).toThrow(KernelMemoryError);
    expect(() => arena.resize(taken, 4 * megabyte)).toThrow(KernelMemoryError);
    arena.free(taken);
    expect(() => arena.free(taken)).toThrow(RangeError);
    arena.free(arena.allocate(2.5 * megabyte));
    expect(arena.usage()).toMatchObject({ bytesInUse: 0, bytesMax: 3 * megabyte });
  });
});

describe('block pool', () => {
  it('cuts blocks that do not overlap and gives all back', () => {
    const arena = createArena(8 * megabyte);
    const pool = new BlockPool(arena);
    const sizes = Array.from({ length: 2000 }, (_, i) => (i * 61) % 2500);
    const blocks = sizes.map((bytes) => ({ bytes, start: pool.allocate(bytes) }));
    const sorted = [...blocks].sort((a, b) => a.start - b.start);
    sorted.forEach(({ start, bytes }, i) => {
      expect(start % 8).toBe(0);
      expect(start + bytes).toBeLessThanOrEqual(sorted[i + 1]?.start ?? Number.POSITIVE_INFINITY);
    });
    for (const { start, bytes } of blocks) pool.free(start, bytes);
    expect(arena.usage().bytesInUse).toBe(0);
  });
});
