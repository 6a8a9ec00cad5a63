import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { alertRulesIn } from '../../.ci/metrics/alert-rules.js';
import { hasPromtool, promtool } from '../support/promtool.js';

const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const rulesPath = pathOf('../../deploy/prometheus-alerts.yml');
const casesPath = pathOf('./prometheus-alerts.test.yml');
const rules = alertRulesIn(readFileSync(rulesPath, 'utf8'));

const labels = z.record(z.string(), z.string());
const cases = z
  .object({
    tests: z.array(
      z.object({
        input_series: z.array(z.object({ series: z.string() })),
        alert_rule_test: z.array(
          z.object({ alertname: z.string(), exp_alerts: z.array(z.object({ exp_labels: labels })) }),
        ),
      }),
    ),
  })
  .parse(parse(readFileSync(casesPath, 'utf8')))
  .tests.flatMap((each) =>
    each.alert_rule_test.map(({ alertname, exp_alerts }) => ({
      name: alertname,
      alerts: exp_alerts.map(({ exp_labels: { severity: _, ...own } }) => own),
      series: each.input_series.map(({ series }) =>
        Object.fromEntries(
          [...series.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value]) => [key, value]),
        ),
      ),
    })),
  );

describe('alert rules', () => {
  it('have a case each', () => {
    expect(rules.length).toBeGreaterThan(0);
    expect(cases.map(({ name }) => name).sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });

  it.each(cases)('$name: the case has series for which it fires, and others for which not', (tested) => {
    expect(tested.alerts.length).toBeGreaterThan(0);
    const isOf = (series: Record<string, string | undefined>, alert: Record<string, string>) =>
      Object.entries(alert).every(([key, value]) => series[key] === undefined || series[key] === value);
    const quiet = tested.series.filter((series) => !tested.alerts.some((alert) => isOf(series, alert)));
    expect(quiet).not.toEqual([]);
  });

  it('lead to what docs/metrics.md says of them', () => {
    const page = readFileSync(pathOf('../../docs/metrics.md'), 'utf8');
    for (const { alert, annotations } of rules) {
      expect(annotations.runbook).toBe(`docs/metrics.md#${alert.toLowerCase()}`);
      expect(page).toContain(`\n### ${alert}\n`);
    }
  });

  describe.skipIf(!hasPromtool)(
    'by promtool (skipped where there is none: Debian has it in `prometheus`)',
    () => {
      it('can be read', () => {
        expect(promtool(['check', 'rules', rulesPath])).toMatchObject({ code: 0 });
      });

      it('fire when they should, and not otherwise', () => {
        expect(promtool(['test', 'rules', casesPath])).toEqual({
          code: 0,
          said: expect.stringContaining('SUCCESS'),
        });
      });
    },
  );
});
