import { expect, it } from 'vitest';
import { nameServerObstacle } from '../../support/daemon-process.js';
import { silentNames } from './silent-names.js';

const isPossible = nameServerObstacle() === undefined;

it.runIf(isPossible)('names of which nothing is heard hold up no other name and no client', async () => {
  const { findings, publishes } = await silentNames({ relays: 12, gitServers: 3, patienceMs: 45_000 });
  expect(findings).toEqual([]);
  expect(publishes).toBeGreaterThan(0);
});
