import { describe } from 'vitest';
import { seedsInTests, testSeeds } from './run-seeds.js';

describe('the simulated world converges under faults (docs/sync.md): odd seeds', () => {
  testSeeds(Array.from({ length: seedsInTests / 2 }, (_, index) => 2 * index + 1));
});
