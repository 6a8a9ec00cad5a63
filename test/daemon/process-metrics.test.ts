import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { programVersion } from '../../src/config/version.js';
import { collectProcessMetrics, watchFaults } from '../../src/daemon/process-metrics.js';
import { Faults } from '../../src/lib/faults.js';

it('the metrics say which version runs, upon which Node, and how much memory it may take', async () => {
  const registry = new Registry();
  const stop = collectProcessMetrics(registry);
  const text = await registry.metrics();
  stop();
  expect(text).toContain(`ngit_build_info{version="${programVersion}",node="${process.versions.node}"} 1`);
  expect(text).toContain('process_resident_memory_bytes');
  expect(text).toMatch(/^ngit_heap_limit_bytes [1-9]\d+$/m);
  expect(text).not.toContain('nodejs_active_handles_total');
});

it('a fault is counted from 0 on, so that the first is seen as growth', async () => {
  const registry = new Registry();
  const faults = new Faults(pino({ level: 'silent' }));
  watchFaults(registry, faults);
  expect(await registry.metrics()).toContain('ngit_faults_total{owner="timer"} 0');
  faults.count('timer');
  expect(await registry.metrics()).toContain('ngit_faults_total{owner="timer"} 1');
});
