import { expect, test } from 'vitest';
import { graspAliases } from '../../src/daemon/metrics/metric-aliases.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { hasPromtool, promtool } from '../support/promtool.js';

const allFeatures = ['--database-backend', 'memory', '--archive-all', '--grasp06-enable'];
/** Gauges that the names of GRASP-02's first description end in `_total`. */
const excused =
  /^ngit_sync_relays_(?:tracked|connected|dead)_total non-counter metrics should not have "_total" suffix$/;

test.skipIf(!hasPromtool)(
  'promtool has nothing against what is scraped but three names (skipped where there is no promtool)',
  async () => {
    await using daemon = await DaemonProcess.start({ flags: allFeatures });
    const { said } = promtool(['check', 'metrics'], await daemon.get('/metrics'));
    const complaints = said.split('\n').filter((line) => line !== '');
    expect(complaints.length).toBe(3);
    for (const complaint of complaints) expect(complaint).toMatch(excused);
  },
);

test('the names of ngit-grasp are served too, each once', async () => {
  await using daemon = await DaemonProcess.start({ flags: allFeatures });
  const text = await daemon.get('/metrics');
  for (const { name, type } of graspAliases) expect(text.split(`\n# TYPE ${name} ${type}\n`).length).toBe(2);
  expect(await daemon.metric('ngit_websocket_connections_active')).toBe(0);
  expect(await daemon.metric('ngit_uptime_seconds')).toBeGreaterThan(0);
});
