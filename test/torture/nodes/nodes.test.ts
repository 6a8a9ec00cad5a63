import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { postgresObstacle } from '../../support/postgres-server.js';
import { torture } from '../torture.js';
import { killNodes, nodes } from './nodes.js';

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

describe.skipIf(obstacle !== undefined)('several graspd on one database', () => {
  it('killed amid what is published at each of them, they lose nothing and serve the same', {
    timeout: 120_000,
  }, async () => {
    let kills = 0;
    const few = {
      ...nodes,
      run: async (run: Parameters<typeof nodes.run>[0]) => {
        kills = await killNodes(run, 4);
      },
    };
    const { record, failed } = await torture({
      seed: 4,
      ms: 60_000,
      parts: [few],
      folder: tmpdir(),
      signal: new AbortController().signal,
      say: () => {},
    });
    expect(failed).toEqual([]);
    expect(record.breaches()).toEqual([]);
    expect(kills).toBeGreaterThan(0);
    expect(record.of('nodes-agree').tried).toBeGreaterThan(0);
  });
});
