import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { programVersion } from '../../src/config/version.js';
import { collectProcessMetrics } from '../../src/daemon/process-metrics.js';

it('the metrics say which version runs, upon which Node', async () => {
  const registry = new Registry();
  const stop = collectProcessMetrics(registry);
  const text = await registry.metrics();
  stop();
  expect(text).toContain(`ngit_build_info{version="${programVersion}",node="${process.versions.node}"} 1`);
  expect(text).toContain('process_resident_memory_bytes');
});
