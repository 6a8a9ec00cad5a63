import { MemoryBudget, type MemoryHolder } from '../../src/lib/budgets/memory-budget.js';

/** A holder with `bytes` of memory, for those who need one and have no others beside them. */
export function roomyMemory(bytes = 1_000_000_000): MemoryHolder {
  return new MemoryBudget({ totalBytes: bytes, groupBytes: bytes, holderBytes: bytes }).holder(undefined);
}
