import { defineConfig } from 'vitest/config';
import { postgresObstacle } from './test/support/postgres-server.js';

/** Takes long, and three nodes in any case. */
const rollingUpdate = 'test/e2e/rolling-update.test.ts';

/** The black-box part: it speaks to a service over its sockets, be that one graspd or several. */
const blackBox = [
  'test/e2e/archive.test.ts',
  'test/e2e/disk-limits.test.ts',
  'test/e2e/git-clone.test.ts',
  'test/e2e/git-data-sync.test.ts',
  'test/e2e/management.test.ts',
  'test/e2e/nostr-tools.test.ts',
  'test/e2e/pages.test.ts',
  'test/e2e/prs.test.ts',
  'test/e2e/push.test.ts',
  'test/e2e/sync.test.ts',
  rollingUpdate,
  'test/torture/port/port.test.ts',
];
/** What of it goes through three nodes in every run; all of it does by `npm run test:nodes`. */
const throughThreeNodes =
  process.env.THREE_NODES === 'all' ? blackBox : ['test/e2e/nostr-tools.test.ts', 'test/e2e/push.test.ts'];

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: the black-box tests through three nodes: ${obstacle}`);

export default defineConfig({
  test: {
    // So that nothing hangs for ever: the machines are shared, and may be slow.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'one', include: ['test/**/*.test.ts'], exclude: [rollingUpdate] } },
      ...(obstacle === undefined
        ? [
            {
              extends: true as const,
              test: {
                name: 'three-nodes',
                include: throughThreeNodes,
                setupFiles: ['test/support/service/three-nodes.ts'],
                testTimeout: 180_000,
                hookTimeout: 180_000,
              },
            },
          ]
        : []),
    ],
  },
});
