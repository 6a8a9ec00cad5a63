import type { Kernels } from '../kernels.js';
import { ReferenceFilterMatcher } from './filter-matcher.js';
import { ReferenceLiveSet, ReferenceRecordSetBuilder } from './record-set.js';

/** The kernels in plain TypeScript, clear rather than fast: what the compiled ones are tested against. */
export function createReferenceKernels(): Kernels {
  return {
    name: 'reference',
    // Its memory is the garbage collector's: nothing is counted and nothing limited.
    memory: () => ({ bytesInUse: 0, bytesReserved: 0, bytesMax: Number.POSITIVE_INFINITY }),
    createRecordSet: () => new ReferenceRecordSetBuilder(),
    createLiveSet: () => new ReferenceLiveSet([]),
    createFilterMatcher: () => new ReferenceFilterMatcher(),
  };
}
