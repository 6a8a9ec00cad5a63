import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { Kernels } from '../../src/kernels/kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm.js';
import type { LocalSet } from '../../src/store/local-set.js';
import { Preparation } from '../../src/sync/preparation.js';
import { rehearseReconciliation } from '../../src/sync/rehearsal.js';

const newKernels = () => createWasmKernels({ bytesMax: 64_000_000 });

/** The set of all that is known, as far as its size goes. */
function knownOf(size: number | undefined) {
  const dispose = vi.fn();
  const set = size === undefined ? undefined : ({ size, [Symbol.dispose]: dispose } as unknown as LocalSet);
  return { open: vi.fn(async () => set), dispose };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 1_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function prepare(size: number | undefined, kernels: Kernels) {
  const known = knownOf(size);
  const made = vi.spyOn(kernels, 'createRecordSet');
  const preparation = new Preparation(known, kernels);
  preparation.begin();
  preparation.begin();
  await turns();
  return { known, made };
}

describe('what is done before a relay is asked for everything (docs/sync.md §3)', () => {
  it('rehearses where there is much to reconcile, once', async () => {
    const { known, made } = await prepare(limits.rehearsalRecords, newKernels());
    expect(known.open).toHaveBeenCalledTimes(1);
    expect(known.dispose).toHaveBeenCalledTimes(1);
    // One set for each role.
    expect(made).toHaveBeenCalledTimes(2);
  });

  it.each([limits.rehearsalRecords - 1, 0, undefined])('does not where there is little: %s', async (size) => {
    const { known, made } = await prepare(size, newKernels());
    expect(known.open).toHaveBeenCalledTimes(1);
    expect(made).not.toHaveBeenCalled();
  });

  it('does without where the kernels have no memory for it', async () => {
    const { made } = await prepare(limits.rehearsalRecords, createWasmKernels({ bytesMax: 300_000 }));
    expect(made).toHaveBeenCalledTimes(1);
  });

  it('a rehearsal ends in few short steps and leaves nothing in the kernels', () => {
    const kernels = newKernels();
    const { bytesInUse } = kernels.memory();
    const steps = [...rehearseReconciliation(kernels)].length;
    expect(steps).toBeGreaterThan(10);
    expect(steps).toBeLessThan(100);
    expect(kernels.memory().bytesInUse).toBe(bytesInUse);
  });
});
