import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { postgresObstacle } from './test/support/postgres-server.js';

/** For three nodes alone. */
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

/** The rooms whose tests share processes: what they import is loaded once for many files. */
const sharing = new Set([
  ...['admission', 'alignment', 'control', 'daemon', 'git', 'git-protocol', 'git-sync', 'hosting', 'http'],
  ...['import', 'kernels', 'lib', 'maintenance', 'moderation', 'negentropy', 'network', 'nostr', 'policy'],
  ...['purgatory', 'relay', 'store', 'sync', 'web'],
]);
/** A module that is replaced must not have been loaded before, nor stay for the next file. */
const replacesModules = (path: string) => /\bvi\.(mock|doMock)\(/.test(readFileSync(path, 'utf8'));
const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => `test/${path}`);
const shared = files.filter((path) => sharing.has(path.split('/')[1] ?? '') && !replacesModules(path));

/** What takes longest. */
const long = [
  'test/bench/system.test.ts',
  'test/commands/program.test.ts',
  'test/deploy/docker.test.ts',
  'test/e2e/difference.test.ts',
  'test/e2e/hung-writer.test.ts',
  'test/e2e/import.test.ts',
  'test/e2e/moderation.test.ts',
  'test/e2e/pages.test.ts',
  'test/e2e/postgresql.test.ts',
  'test/e2e/reload.test.ts',
  'test/e2e/sync.test.ts',
  'test/guides/moves.test.ts',
  'test/maintenance/maintenance.test.ts',
  'test/maintenance/shared-packs.test.ts',
  'test/sim/nodes/nodes-sim.test.ts',
  'test/sim/seeds/even.test.ts',
  'test/sim/seeds/odd.test.ts',
  'test/sim/seeds/regressions.test.ts',
  'test/torture/load/load.test.ts',
  'test/torture/names/names.test.ts',
  'test/torture/nodes/nodes.test.ts',
];

/** Begins with what takes long, so that at the end none is left that one core has to itself. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId, project }: TestSpecification) =>
      project.name === 'three-nodes' || long.some((path) => moduleId.endsWith(`/${path}`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: the black-box tests through three nodes: ${obstacle}`);

export default defineConfig({
  test: {
    // So that nothing hangs for ever: the machines are shared, and may be slow.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    // Twice the cores that there are at least: half of the time tests wait for other processes, or for the disk.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: { name: 'one', include: ['test/**/*.test.ts'], exclude: [...shared, rollingUpdate] },
      },
      {
        extends: true,
        test: {
          name: 'rooms',
          include: shared,
          setupFiles: ['test/support/counters/reset.ts'],
          isolate: false,
          restoreMocks: true,
          unstubEnvs: true,
        },
      },
      ...(obstacle === undefined
        ? [
            {
              extends: true as const,
              test: {
                name: 'three-nodes',
                include: blackBox,
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
