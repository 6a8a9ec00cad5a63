import { describe, expect, it } from 'vitest';
import { KernelMemoryError } from '../../src/kernels/errors.js';
import { createWasmKernels } from '../../src/kernels/wasm/kernels.js';
import { toHex } from '../../src/lib/bytes.js';
import { seededRandom } from '../../src/lib/random.js';
import { kernelsConformance } from './conformance.js';
import { expectBatch } from './fingerprint-batch.js';

kernelsConformance('wasm', createWasmKernels);

describe('memory of the wasm kernels', () => {
  it('is where it began after a thousand sets came and went', () => {
    const kernels = createWasmKernels();
    const before = kernels.memory().bytesInUse;
    let reserved = 0;
    for (let i = 0; i < 1000; i++) {
      const builder = kernels.createRecordSet();
      builder.append(2000).fill(i);
      const open = builder.seal();
      const abandoned = kernels.createRecordSet(50);
      abandoned.append(100).fill(i);
      open[Symbol.dispose]();
      abandoned[Symbol.dispose]();
      expect(kernels.memory().bytesInUse).toBe(before);
      reserved ||= kernels.memory().bytesReserved;
    }
    expect(kernels.memory().bytesReserved).toBe(reserved);
  });

  it('is where it began after many sets were open at once, in any order', () => {
    const kernels = createWasmKernels();
    const before = kernels.memory().bytesInUse;
    const round = () => {
      const sets = Array.from({ length: 200 }, (_, i) => {
        const builder = kernels.createRecordSet();
        builder.append(1 + ((i * 37) % 500)).fill(i);
        return builder.seal();
      });
      for (const each of sets.filter((_, i) => i % 2 === 0)) each[Symbol.dispose]();
      for (const each of sets) each[Symbol.dispose]();
      return kernels.memory();
    };
    const first = round();
    for (let i = 0; i < 5; i++) expect(round()).toEqual(first);
    expect(first.bytesInUse).toBe(before);
  });

  it('is given back by live sets, also when they become empty', () => {
    const kernels = createWasmKernels();
    const before = kernels.memory().bytesInUse;
    const set = kernels.createLiveSet();
    const empty = kernels.memory().bytesInUse;
    const id = new Uint8Array(32);
    for (let i = 0; i < 20_000; i++) set.insert((i * 7919) % 20_011, id);
    for (let i = 0; i < 20_000; i++) set.delete((i * 7919) % 20_011, id);
    expect(kernels.memory().bytesInUse).toBe(empty);
    set.insert(1, id);
    set[Symbol.dispose]();
    expect(kernels.memory().bytesInUse).toBe(before);
  });

  it('has its limit for live sets too, which stay whole', () => {
    const kernels = createWasmKernels({ bytesMax: 2 * 2 ** 20 });
    const builder = kernels.createRecordSet();
    const records = builder.append(20_000);
    for (let i = 0; i < 20_000; i++) records[i * 40] = records[i * 40 + 8] = i & 255;
    for (let i = 0; i < 20_000; i++) records[i * 40 + 9] = i >> 8;
    expect(() => builder.toLiveSet()).toThrow(KernelMemoryError);
    using sealed = builder.seal();
    expect(sealed.size).toBe(20_000);
    using set = kernels.createLiveSet();
    const id = new Uint8Array(32);
    let inserted = 0;
    expect(() => {
      for (; ; inserted++) set.insert(inserted, id);
    }).toThrow(KernelMemoryError);
    expect(set.size).toBe(inserted);
    expect(set.timestampAt(inserted - 1)).toBe(BigInt(inserted - 1));
  });

  it('is given back by a matcher', () => {
    const kernels = createWasmKernels();
    const before = kernels.memory().bytesInUse;
    const matcher = kernels.createFilterMatcher();
    const handles = Array.from({ length: 600 }, (_, i) =>
      matcher.add({ authors: [`${i}`], '#e': Array.from({ length: i % 300 }, (_, j) => `${i}:${j}`) }),
    );
    for (const handle of handles.slice(0, 400)) matcher.remove(handle);
    matcher[Symbol.dispose]();
    expect(kernels.memory().bytesInUse).toBe(before);
  });

  it('has a limit; what was there before is unharmed by a refusal', () => {
    const kernels = createWasmKernels({ bytesMax: 4 * 2 ** 20 });
    const builder = kernels.createRecordSet();
    builder.append(1000).fill(7);
    expect(() => builder.append(1_000_000)).toThrow(KernelMemoryError);
    expect(() => kernels.createRecordSet(1_000_000)).toThrow(KernelMemoryError);
    expect(builder.size).toBe(1000);
    using set = builder.seal();
    expect(set.size).toBe(1);
    expect(toHex(set.idAt(0))).toBe('07'.repeat(32));
    expect(kernels.memory().bytesReserved).toBeLessThanOrEqual(4 * 2 ** 20);
  });

  it('refuses filters beyond the limit and goes on', () => {
    const kernels = createWasmKernels({ bytesMax: 2 * 2 ** 20 });
    using matcher = kernels.createFilterMatcher();
    const long = Array.from({ length: 100_000 }, (_, i) => `${i}`);
    const kept = matcher.add({ kinds: [1] });
    expect(() => matcher.add({ '#e': long })).toThrow(KernelMemoryError);
    expect(matcher.size).toBe(1);
    expect(matcher.match({ id: '', pubkey: '', kind: 1, created_at: 1, tags: [['e', '5']] })).toEqual([kept]);
  });

  it('takes more fingerprints at once than its scratch holds', () => {
    const kernels = createWasmKernels();
    const builder = kernels.createRecordSet();
    builder.append(100).forEach((_, i, bytes) => {
      bytes[i] = (i * 31) & 255;
    });
    using set = builder.seal();
    expectBatch(set, seededRandom(15), [60_000]);
  });

  it('keeps sets apart that grow in turn while the memory grows', () => {
    const kernels = createWasmKernels();
    const builders = Array.from({ length: 4 }, () => kernels.createRecordSet());
    for (let i = 0; i < 3000; i++) {
      builders.forEach((builder, which) => {
        const id = new Uint8Array(32).fill(which);
        id[0] = i & 255;
        id[1] = i >> 8;
        builder.add(i, id);
      });
    }
    builders.forEach((builder, which) => {
      using set = builder.seal();
      expect(set.size).toBe(3000);
      expect(set.timestampAt(2999)).toBe(2999n);
      expect(toHex(set.idAt(258)).slice(0, 6)).toBe(`0201${toHex(Uint8Array.of(which))}`);
    });
  });
});

describe('a filter of the wasm matcher', () => {
  const values = (count: number, letter: string) => Array.from({ length: count }, (_, i) => `${letter}${i}`);
  const tagged = (...tags: string[][]) => ({ id: '', pubkey: '', kind: 1, created_at: 1, tags });

  it('is checked once for an event, however many of its values that has', () => {
    using matcher = createWasmKernels().createFilterMatcher();
    const wanted = { '#t': values(5000, 't'), '#x': values(5000, 'x') };
    for (let i = 0; i < 16; i++) matcher.add(wanted);
    const tags = wanted['#t'].map((value) => ['t', value]);
    const failing = tagged(...tags);
    const matching = tagged(...tags, ['x', 'x0']);
    const fastest = (event: typeof failing, matches: number) => {
      const times = Array.from({ length: 5 }, () => {
        const start = performance.now();
        expect(matcher.match(event)).toHaveLength(matches);
        return performance.now() - start;
      });
      return Math.min(...times);
    };
    // Each of the values had all others looked at: some hundred times as long.
    expect(fastest(failing, 0) / fastest(matching, 16)).toBeLessThan(10);
  });

  it('is checked anew for the next event, whatever it was for the one before', () => {
    using matcher = createWasmKernels().createFilterMatcher();
    const handle = matcher.add({ '#t': values(10, 't'), '#x': values(20, 'x') });
    const failing = tagged(...values(10, 't').map((value) => ['t', value]));
    const matching = tagged(['t', 't1'], ['t', 't2'], ['x', 'x7']);
    for (let i = 0; i < 3; i++) {
      expect(matcher.match(failing)).toEqual([]);
      expect(matcher.match(matching)).toEqual([handle]);
    }
  });
});
