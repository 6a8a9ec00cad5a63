import { expect, test } from 'vitest';
import { checkAdvice, metricsPage } from '../../.ci/metrics/metrics-page.js';

const events = { name: 'events_total', type: 'counter', help: 'Events', labelNames: ['source', 'outcome'] };
const section = { title: 'Events', advice: { events_total: 'None | for long: look.' } };

test('the metrics page lists a metric with its type, labels and help, and what to do about it', () => {
  const page = metricsPage([events], [section], [], []);
  expect(page).toContain(
    '| `events_total` | counter | source, outcome | Events | None \\| for long: look. |',
  );
});

test('the metrics page says what an alias is the same as, and has a paragraph for each alert', () => {
  const alias = {
    name: 'old',
    type: 'gauge',
    help: '',
    sameAs: '`new`',
    labelNames: [],
    sources: [],
  } as const;
  const alert = {
    alert: 'Down',
    expr: 'up == 0\n',
    for: '5m',
    labels: { severity: 'critical' },
    annotations: { summary: 'It is down', description: 'Start it.', runbook: 'docs/metrics.md#down' },
  } as const;
  const page = metricsPage([events], [section], [alias], [alert]);
  expect(page).toContain('| `old` | gauge | — | `new` |');
  expect(page).toContain(
    '### Down\n\nSeverity critical, after 5m, while\n\n```promql\nup == 0\n```\n\nStart it.\n',
  );
});

test('a metric without advice stops the generator, and says where to add it', () => {
  expect(() => checkAdvice([events, { ...events, name: 'new_total' }], [section])).toThrow(
    'say what to do about new_total in .ci/metrics/*-advice.ts, then `npm run docs`',
  );
});

test('so does advice about a metric that no daemon has', () => {
  expect(() => checkAdvice([], [section])).toThrow('no daemon has the metrics events_total');
});
