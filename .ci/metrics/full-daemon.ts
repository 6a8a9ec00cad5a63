import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { readOptions } from '../../src/config/options.js';
import { startDaemon } from '../../src/daemon/daemon.js';
import { FollowerMetrics, watchFollowers } from '../../src/daemon/nodes/follower-metrics.js';
import { surroundingsOf } from '../../src/daemon/surroundings.js';
import { Identity } from '../../src/nostr/keys.js';

/** What the documentation says of a metric. */
export type DescribedMetric = {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labelNames: readonly string[];
};

/** The metrics of a daemon that has all features on. It is started for this in a folder of its own, and stopped. */
export async function metricsOfFullDaemon(): Promise<DescribedMetric[]> {
  const folder = await mkdtemp(join(tmpdir(), 'graspd-metrics-'));
  try {
    const flags = new Map([
      ['bind-address', '127.0.0.1:0'],
      ['domain', 'git.example.org'],
      ['relay-owner-nsec', Identity.generate().toNsec()],
      ['git-data-path', join(folder, 'git')],
      ['relay-data-path', join(folder, 'relay')],
      ['database-backend', 'memory'],
      ['archive-all', 'true'],
      ['grasp06-enable', 'true'],
      ['verify-workers', '1'],
    ]);
    const options = readOptions({ flags, environment: { NGIT_TEST: '1' }, readFile: () => '{}' });
    await using daemon = await startDaemon(options, surroundingsOf(pino({ level: 'silent' })));
    return [...(await describedIn(daemon.registry)), ...(await describedIn(registryOfNodes()))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What is counted only where several share a database. */
function registryOfNodes(): Registry {
  const registry = new Registry();
  watchFollowers(registry, () => []);
  const metrics = new FollowerMetrics(registry);
  metrics.watchLag(() => 0);
  metrics.watchLink({ isOpen: false, waiting: 0 });
  return registry;
}

/** Every metric keeps the names of its labels, though the types of the library do not say so. */
type WithLabelNames = { readonly labelNames?: readonly string[] };

/** Names of labels that the library puts into values without saying so before. */
const labelsOfNode: Readonly<Record<string, readonly string[]>> = {
  nodejs_version_info: ['version', 'major', 'minor', 'patch'],
};

async function describedIn(registry: Registry): Promise<DescribedMetric[]> {
  const types = new Map((await registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]));
  return registry.getMetricsAsArray().map((metric) => {
    const { name, help, labelNames = [] } = metric as typeof metric & WithLabelNames;
    const ownLabels = labelNames.filter((label) => label !== 'le');
    return {
      name,
      help,
      type: types.get(name) ?? '',
      labelNames: ownLabels.length > 0 ? ownLabels : (labelsOfNode[name] ?? []),
    };
  });
}
