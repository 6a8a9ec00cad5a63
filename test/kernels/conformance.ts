import { describe } from 'vitest';
import type { Kernels } from '../../src/kernels/kernels.js';
import { filterMatcherConformance } from './filter-matcher-conformance.js';
import { liveSetConformance } from './live-set-conformance.js';
import { recordSetConformance } from './record-set-conformance.js';
import { timeRangeConformance } from './time-range-conformance.js';

/** What every implementation of the kernels keeps. `create` gives fresh kernels. */
export function kernelsConformance(name: string, create: () => Kernels): void {
  describe(`kernels: ${name}`, () => {
    describe('record set', () => recordSetConformance(create));
    describe('live set', () => liveSetConformance(create));
    describe('time range', () => timeRangeConformance(create));
    describe('filter matcher', () => filterMatcherConformance(create));
  });
}
