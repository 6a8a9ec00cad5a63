import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { createWasmKernels } from '../../src/kernels/wasm.js';
import { reconcileMadeUpSets } from '../../src/sync/made-up-reconciliation.js';
import { Rehearsal } from '../../src/sync/rehearsal.js';

const kernelsOf = (bytesMax = 64_000_000) => createWasmKernels({ bytesMax });
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const enough = limits.rehearsalStoredEventsMin;

/** A rehearsal that runs. */
function running(size: number, kernels = kernelsOf()) {
  const stop = new AbortController();
  const made = vi.spyOn(kernels, 'createRecordSet');
  const debug = vi.fn();
  const rehearsal = new Rehearsal({ store: { size }, kernels, logger: { debug } });
  return { rehearsal, kernels, made, debug, stop, run: rehearsal.run(stop.signal) };
}

describe('the rehearsal (docs/sync.md §3)', () => {
  it('of a reconciliation, where much is stored, once', async () => {
    const { rehearsal, made, run } = running(enough);
    rehearsal.begin();
    rehearsal.begin();
    rehearsal.miss();
    await run;
    rehearsal.begin();
    await nextTurn();
    // One set for each role.
    expect(made).toHaveBeenCalledTimes(2);
  });

  it('is left out where little is stored', async () => {
    const { rehearsal, made, stop, run } = running(enough - 1);
    rehearsal.begin();
    await nextTurn();
    stop.abort();
    await run;
    expect(made).not.toHaveBeenCalled();
  });

  it('does not begin when a relay was dialled', async () => {
    const { rehearsal, made, run } = running(enough);
    rehearsal.miss();
    rehearsal.begin();
    await run;
    expect(made).not.toHaveBeenCalled();
  });

  it('stops with its owner, also before it began, and leaves nothing in the kernels', async () => {
    const { rehearsal, kernels, made, stop, run } = running(enough);
    const { bytesInUse } = kernels.memory();
    rehearsal.begin();
    await nextTurn();
    stop.abort();
    await run;
    expect(made).toHaveBeenCalledTimes(1);
    expect(kernels.memory().bytesInUse).toBe(bytesInUse);
    await rehearsal.run(AbortSignal.abort());
    const waiting = running(enough);
    waiting.stop.abort();
    await waiting.run;
    expect(waiting.made).not.toHaveBeenCalled();
  });

  it('is given up, whatever it fails with, and says so to who debugs', async () => {
    const small = running(enough, kernelsOf(300_000));
    small.rehearsal.begin();
    await small.run;
    expect(small.debug).toHaveBeenCalledTimes(1);
    const broken = running(enough);
    broken.made.mockImplementation(() => {
      throw new TypeError('not what a kernel throws');
    });
    broken.rehearsal.begin();
    await broken.run;
    expect(broken.debug).toHaveBeenCalledWith({ error: 'not what a kernel throws' }, expect.any(String));
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
