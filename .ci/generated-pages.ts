import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commands, loadAll } from '../src/commands/commands.js';
import { limits } from '../src/config/limits.js';
import { graspAliases } from '../src/daemon/metrics/metric-aliases.js';
import { dashboardJson } from './dashboard/dashboard.js';
import { limitsPage, watchedLimits } from './limits-page.js';
import { manPage } from './man-page.js';
import { adviceSections } from './metrics/advice.js';
import { alertRulesIn } from './metrics/alert-rules.js';
import { metricsOfFullDaemon } from './metrics/full-daemon.js';
import { metricsPage } from './metrics/metrics-page.js';
import { referencePage } from './reference-page.js';

/** The files that are generated from the source: path (from the root of the repository) and text. */
export async function generatedPages(): Promise<ReadonlyMap<string, string>> {
  const alerts = alertRulesIn(readFileSync('deploy/prometheus-alerts.yml', 'utf8'));
  const metrics = metricsPage(await metricsOfFullDaemon(), adviceSections, graspAliases, alerts);
  return new Map([
    ['docs/configuration.md', referencePage()],
    ['docs/graspd.1', manPage(await loadAll(commands))],
    [
      'docs/limits.md',
      limitsPage(readFileSync('src/config/limits.ts', 'utf8'), limits, watchedLimits(sourceTexts())),
    ],
    ['docs/metrics.md', metrics],
    ['deploy/grafana-dashboard.json', dashboardJson()],
  ]);
}

/** The texts of all files of the source. */
function sourceTexts(): string[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(join('src', path), 'utf8'));
}
