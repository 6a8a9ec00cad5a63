import type { Kernels } from '../kernels.js';
import { Arena } from './arena.js';
import { WasmFilterMatcher } from './filter-matcher.js';
import { WasmLiveSet } from './live-set.js';
import { instantiateKernels } from './module.js';
import { WasmRecordSetBuilder } from './record-set.js';

/**
 * The kernels as compiled WebAssembly, an instance with a memory of its own. `bytesMax` limits that memory, which else takes
 * what the engine gives; work that would need more is refused with `KernelMemoryError`.
 */
export function createWasmKernels({
  bytesMax = Number.POSITIVE_INFINITY,
}: {
  readonly bytesMax?: number;
} = {}): Kernels {
  const module = instantiateKernels();
  const arena = new Arena(module.memory, module.heapBase(), bytesMax);
  const scratchBytes = module.SORT_SCRATCH_BYTES.value;
  const context = { module, arena, scratch: arena.allocate(scratchBytes), scratchBytes };
  return {
    name: 'wasm',
    memory: () => arena.usage(),
    createRecordSet: (capacity = 0) => new WasmRecordSetBuilder(context, capacity),
    createLiveSet: () => new WasmLiveSet(context),
    createFilterMatcher: () => new WasmFilterMatcher(module, arena),
  };
}
