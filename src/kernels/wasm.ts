import { limits } from '../config/limits.js';
import { Arena } from './arena.js';
import type { Kernels } from './kernels.js';
import { WasmFilterMatcher } from './wasm-filter-matcher.js';
import { instantiateKernels } from './wasm-module.js';
import { WasmRecordSetBuilder } from './wasm-record-set.js';
import { WasmStandingSet } from './wasm-standing-set.js';

/**
 * The kernels as compiled WebAssembly, an instance with a memory of its own. `bytesMax` limits that memory; work
 * that would need more is refused with `KernelMemoryError`.
 */
export function createWasmKernels(options: { readonly bytesMax?: number } = {}): Kernels {
  const module = instantiateKernels();
  const arena = new Arena(module.memory, module.heapBase(), options.bytesMax ?? limits.kernelBytesMax);
  const scratchBytes = module.SORT_SCRATCH_BYTES.value;
  const context = { module, arena, scratch: arena.allocate(scratchBytes), scratchBytes };
  return {
    name: 'wasm',
    memory: () => arena.usage(),
    createRecordSet: (capacity = 0) => new WasmRecordSetBuilder(context, capacity),
    createStandingSet: () => new WasmStandingSet(context),
    createFilterMatcher: () => new WasmFilterMatcher(module, arena),
  };
}
