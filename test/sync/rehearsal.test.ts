import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { createWasmKernels } from '../../src/kernels/wasm.js';
import { reconcileMadeUpSets } from '../../src/sync/made-up-reconciliation.js';
import { Rehearsal } from '../../src/sync/rehearsal.js';

const kernelsOf = (bytesMax = 64_000_000) => createWasmKernels({ bytesMax });

/** Begins twice; gives how many sets were made. */
async function setsMade(size: number, kernels = kernelsOf()): Promise<number> {
  const made = vi.spyOn(kernels, 'createRecordSet');
  const rehearsal = new Rehearsal({ size }, kernels);
  rehearsal.begin();
  rehearsal.begin();
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return made.mock.calls.length;
}

describe('the rehearsal (docs/sync.md §3)', () => {
  it('of a reconciliation, where much is stored, once', async () => {
    // One set for each role.
    expect(await setsMade(limits.rehearsalRecords)).toBe(2);
  });

  it('is left out where little is stored', async () => {
    expect(await setsMade(limits.rehearsalRecords - 1)).toBe(0);
  });

  it('is given up where the kernels have no memory for it', async () => {
    expect(await setsMade(limits.rehearsalRecords, kernelsOf(300_000))).toBe(1);
  });

  it('ends after some short steps and leaves nothing in the kernels', () => {
    const kernels = kernelsOf();
    const { bytesInUse } = kernels.memory();
    const steps = [...reconcileMadeUpSets(kernels)].length;
    expect(steps).toBeGreaterThan(10);
    expect(steps).toBeLessThan(100);
    expect(kernels.memory().bytesInUse).toBe(bytesInUse);
  });
});
