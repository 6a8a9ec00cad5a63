import type { MetricAlias } from '../../src/daemon/metrics/metric-aliases.js';
import type { AdviceSection } from './advice.js';
import type { AlertRule } from './alert-rules.js';
import type { DescribedMetric } from './full-daemon.js';

const where = '.ci/metrics/*-advice.ts, then `npm run docs`';

/** Every metric has advice, and all advice is of a metric: throws with what to add or take out, and where. */
export function checkAdvice(metrics: readonly DescribedMetric[], sections: readonly AdviceSection[]): void {
  const names = new Set(metrics.map(({ name }) => name));
  const advised = sections.flatMap(({ advice }) => Object.keys(advice));
  const missing = [...names].filter((name) => !advised.includes(name));
  if (missing.length > 0) {
    throw new Error(`say what to do about ${missing.join(', ')} in ${where}`);
  }
  const gone = advised.filter((name) => !names.has(name));
  if (gone.length > 0)
    throw new Error(`no daemon has the metrics ${gone.join(', ')}: take them out of ${where}`);
}

const cell = (text: string): string =>
  text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const labelList = (names: readonly string[]): string => (names.length === 0 ? '—' : names.join(', '));

function sectionText(
  { title, advice }: AdviceSection,
  metrics: ReadonlyMap<string, DescribedMetric>,
): string[] {
  const rows = Object.entries(advice).map(([name, text]) => {
    const { type = '', help = '', labelNames = [] } = metrics.get(name) ?? {};
    return `| \`${name}\` | ${type} | ${labelList(labelNames)} | ${cell(help)} | ${cell(text)} |`;
  });
  const head = ['| metric | type | labels | what it says | what to do about it |', '|---|---|---|---|---|'];
  return [`## ${title}`, '', ...head, ...rows, ''];
}

function aliasTable(aliases: readonly MetricAlias[]): string[] {
  const rows = aliases.map(
    ({ name, type, labelNames, sameAs }) =>
      `| \`${name}\` | ${type} | ${labelList(labelNames)} | ${cell(sameAs)} |`,
  );
  return ['| metric | type | labels | same as |', '|---|---|---|---|', ...rows, ''];
}

function alertText({ alert, expr, for: duration, labels, annotations }: AlertRule): string[] {
  const lasts = duration === undefined ? 'at once' : `after ${duration}`;
  return [
    `### ${alert}`,
    '',
    `Severity ${labels.severity}, ${lasts}, while`,
    '',
    '```promql',
    expr.trim(),
    '```',
    '',
    annotations.description,
    '',
  ];
}

/** The page of all metrics and alerts (`docs/metrics.md`). Throws where a metric has no advice, or advice no metric. */
export function metricsPage(
  metrics: readonly DescribedMetric[],
  sections: readonly AdviceSection[],
  aliases: readonly MetricAlias[],
  alerts: readonly AlertRule[],
): string {
  checkAdvice(metrics, sections);
  const byName = new Map(metrics.map((metric) => [metric.name, metric]));
  return [
    '# Metrics',
    '',
    '<!-- Generated from the metrics of a running daemon, .ci/metrics and deploy/prometheus-alerts.yml by `npm run docs`; do not edit. -->',
    '',
    'graspd shows its metrics at `/metrics` in the text format of Prometheus, unless `--metrics-enabled=false`. With',
    '[prometheus.yml](../deploy/prometheus.yml) Prometheus reads them and knows the [alert rules](../deploy/prometheus-alerts.yml);',
    '[grafana-dashboard.json](../deploy/grafana-dashboard.json) is a dashboard for Grafana (Dashboards, New, Import), and',
    '[grafana-queries.md](../deploy/grafana-queries.md) has queries for one of your own.',
    'Histograms have the label `le` besides. Relays are named by their URL, 200 at most; the rest is summed as `other`.',
    '',
    ...sections.flatMap((section) => sectionText(section, byName)),
    '## Names of ngit-grasp',
    '',
    'Metrics that the dashboard of ngit-grasp asks for, served under its names where there is a counterpart. The names of sync are',
    'the same in both; only `ngit_sync_relay_status` says the status by a label here, and by its value in later versions there. Without',
    'a counterpart are `ngit_websocket_unique_ips`, `ngit_websocket_flagged_abusers`, `ngit_websocket_connection_duration_seconds`,',
    '`ngit_websocket_messages_sent_total` and `ngit_git_top_repos_bytes`.',
    '',
    ...aliasTable(aliases),
    '## Alerts',
    '',
    'What each alert of [prometheus-alerts.yml](../deploy/prometheus-alerts.yml) means, and what to do.',
    '',
    ...alerts.flatMap(alertText),
  ].join('\n');
}
