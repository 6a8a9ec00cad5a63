import { expect, it } from 'vitest';
import { certificateObstacle } from '../../support/certificates.js';
import { nameServerObstacle } from '../../support/daemon-process.js';
import { certificates } from './certificates.js';
import { ipv6Only } from './ipv6-only.js';
import { lyingNames } from './lying-names.js';
import { silentNames } from './silent-names.js';

const isPossible = nameServerObstacle() === undefined;

it.runIf(isPossible)('names of which nothing is heard hold up no other name and no client', async () => {
  const { findings, publishes } = await silentNames({ relays: 12, gitServers: 3, patienceMs: 45_000 });
  expect(findings).toEqual([]);
  expect(publishes).toBeGreaterThan(0);
});

it.skipIf(certificateObstacle() !== undefined)(
  'relays and git servers with a wrong certificate are refused as such and told nothing',
  async () => {
    const { findings, tried } = await certificates(45_000);
    expect(findings).toEqual([]);
    expect(tried).toBeGreaterThanOrEqual(12);
  },
);

it.runIf(isPossible)('names that lie lead nowhere, and fail as what they are', async () => {
  const { findings, tried } = await lyingNames(45_000);
  expect(findings).toEqual([]);
  expect(tried).toBeGreaterThan(12);
});

it.runIf(isPossible)('events and git data spread over IPv6 alone, by addresses and by names', async () => {
  expect(await ipv6Only(45_000)).toEqual([]);
});
