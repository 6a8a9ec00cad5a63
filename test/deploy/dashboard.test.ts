import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { adviceSections } from '../../.ci/metrics/advice.js';
import { alertRulesIn } from '../../.ci/metrics/alert-rules.js';
import { ReleaseStack } from '../../src/lib/release-stack.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';
import { hasPrometheus, PrometheusProcess } from '../support/prometheus-process.js';

const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const rulesPath = pathOf('../../deploy/prometheus-alerts.yml');

const dashboard = z
  .object({
    panels: z.array(
      z.object({
        id: z.number(),
        type: z.string(),
        title: z.string(),
        gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
        targets: z.array(z.object({ expr: z.string() })).default([]),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(pathOf('../../deploy/grafana-dashboard.json'), 'utf8')));
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

/** A query as Grafana sends it when all of graspd is chosen. */
const filledIn = (expression: string) =>
  expression.replaceAll('$job', 'graspd').replaceAll('$instance', '.*').replaceAll('$__rate_interval', '10s');

/** Panels of what goes wrong, which here it does not. */
const quiet = new Set(['Relays that are dead', 'Failures by server']);

describe('The dashboard', () => {
  it('has panels of their own id and place, with a title and a query', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(new Set(dashboard.panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(
      dashboard.panels.length,
    );
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { targets } of panels) expect(targets.length).toBeGreaterThan(0);
  });

  it('asks, as the alerts do, only for metrics that there are', () => {
    const known = new Set(adviceSections.flatMap(({ advice }) => Object.keys(advice)));
    const alerts = alertRulesIn(readFileSync(rulesPath, 'utf8')).map(({ expr }) => expr);
    const expressions = [...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)), ...alerts];
    for (const expression of expressions) {
      for (const [name] of expression.matchAll(/\b(?:ngit|nodejs|process)_\w+/g)) {
        expect(known, expression).toContain(name.replace(/_(?:bucket|sum|count)$/, ''));
      }
    }
  });

  describe.skipIf(!hasPrometheus)('in a real Prometheus (skipped where there is none)', () => {
    const resources = new ReleaseStack();
    let prometheus: PrometheusProcess;

    beforeAll(async () => {
      const host = resources.use(await HostingDaemon.start({ flags: ['--grasp06-enable'] }));
      const follower = resources.use(
        await DaemonProcess.start({
          flags: [
            '--archive-all',
            '--sync-startup-delay-secs=0',
            '--sync-startup-jitter-ms=50',
            '--sync-bootstrap-relay-url',
            host.daemon.url,
          ],
        }),
      );
      prometheus = resources.use(await PrometheusProcess.start([host.daemon.port, follower.port], rulesPath));
      const owner = testIdentity(1);
      const git = resources.use(await GitClient.init());
      await git.ok('remote', 'add', 'origin', host.urlOf(owner, 'project'));
      await host.publish(host.announcement(owner, 'project'));
      await host.publish(host.state(owner, 'project', { 'refs/heads/main': await git.commit('a', 'a') }));
      await git.ok('push', 'origin', 'main');
      await git.ok('fetch', 'origin');
      // This one waits for its git data.
      await host.publish(host.announcement(owner, 'waits'));
      await eventually(async () => (await follower.metric('ngit_git_repositories')) === 1);
    }, 60_000);
    afterAll(async () => {
      await resources[Symbol.asyncDispose]();
    });

    it.each(panels)('$title: each query runs, and gives something', { timeout: 60_000 }, async (panel) => {
      for (const { expr } of panel.targets) {
        const expression = filledIn(expr);
        expect(await prometheus.seriesOf(expression)).toBeGreaterThanOrEqual(0);
        if (!quiet.has(panel.title))
          await eventually(async () => (await prometheus.seriesOf(expression)) > 0);
      }
    });

    it('has rules that can all be evaluated, and none fires', { timeout: 60_000 }, async () => {
      await eventually(async () => (await prometheus.rules()).every(({ health }) => health !== 'unknown'));
      const rules = await prometheus.rules();
      expect(rules.length).toBeGreaterThan(0);
      expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
      expect(rules.filter(({ state }) => state === 'firing')).toEqual([]);
    });
  });
});
