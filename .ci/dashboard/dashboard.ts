import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueGraphMode,
  BigValueTextMode,
  type DataSourceRef,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as FigureBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { PanelSpec } from './panel.js';
import { relayRows } from './relay-rows.js';
import { syncRows } from './sync-rows.js';

/** The Prometheus that whoever looks chooses, above the dashboard. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own syntax of variables
const datasource: DataSourceRef = { type: 'prometheus', uid: '${DS_PROMETHEUS}' };

/** Of 24 columns. */
const columnsOf: Readonly<Record<PanelSpec['kind'], number>> = {
  figure: 4,
  name: 4,
  lines: 8,
  stack: 8,
  table: 8,
};
const heightOf: Readonly<Record<PanelSpec['kind'], number>> = {
  figure: 4,
  name: 4,
  lines: 8,
  stack: 8,
  table: 8,
};

/** The dashboard of graspd (`deploy/grafana-dashboard.json`), as Grafana imports it. */
export function dashboardJson(): string {
  const dashboard = new DashboardBuilder('graspd')
    .uid('graspd')
    .description('Whether a GRASP relay is complete and healthy, and what it does.')
    .tags(['graspd', 'nostr', 'git'])
    .timezone('browser')
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .editable()
    .withVariable(new DatasourceVariableBuilder('DS_PROMETHEUS').label('Prometheus').type('prometheus'))
    .withVariable(labelVariable('job', 'label_values(ngit_build_info, job)'))
    .withVariable(labelVariable('instance', 'label_values(ngit_build_info{job=~"$job"}, instance)'));
  let id = 0;
  for (const { title, panels } of [...syncRows, ...relayRows]) {
    id += 1;
    dashboard.withRow(new RowBuilder(title).id(id));
    for (const panel of panels) {
      id += 1;
      dashboard.withPanel(panelOf(panel, id));
    }
  }
  return `${JSON.stringify(dashboard.build(), undefined, 2)}\n`;
}

function labelVariable(name: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(name)
    .datasource(datasource)
    .query({ query, refId: name })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .current({ text: ['All'], value: ['$__all'], selected: true });
}

function panelOf(spec: PanelSpec, id: number): Builder<Panel> {
  const panel = builderOf(spec)
    .id(id)
    .title(spec.title)
    .description(spec.about)
    .datasource(datasource)
    .unit(spec.unit)
    .min(0)
    .span(columnsOf[spec.kind])
    .height(heightOf[spec.kind])
    .thresholds(thresholdsOf(spec));
  for (const [index, [expression, legend]] of spec.queries.entries()) {
    const query = new DataqueryBuilder()
      .refId(String.fromCharCode('A'.charCodeAt(0) + index))
      .datasource(datasource)
      .expr(expression)
      .legendFormat(legend);
    panel.withTarget(spec.kind === 'table' ? query.instant().format(PromQueryFormat.Table) : query.range());
  }
  return panel;
}

function builderOf({ kind }: PanelSpec): FigureBuilder | LinesBuilder | TableBuilder {
  if (kind === 'figure' || kind === 'name') return figureBuilder(kind);
  if (kind === 'table')
    return new TableBuilder().overrideByName('Time', [{ id: 'custom.hidden', value: true }]);
  const isStack = kind === 'stack';
  return new LinesBuilder()
    .fillOpacity(isStack ? 40 : 5)
    .showPoints(VisibilityMode.Never)
    .stacking(new StackingConfigBuilder().mode(isStack ? StackingMode.Normal : StackingMode.None).group('A'))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
}

function figureBuilder(kind: 'figure' | 'name'): FigureBuilder {
  return new FigureBuilder()
    .graphMode(BigValueGraphMode.None)
    .textMode(kind === 'name' ? BigValueTextMode.Name : BigValueTextMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
}

function thresholdsOf({ warnFrom, alarmFrom, alarmBelow }: PanelSpec): ThresholdsConfigBuilder {
  const steps: Threshold[] = [{ value: null, color: alarmBelow === undefined ? 'green' : 'red' }];
  if (alarmBelow !== undefined) steps.push({ value: alarmBelow, color: 'green' });
  if (warnFrom !== undefined) steps.push({ value: warnFrom, color: 'yellow' });
  if (alarmFrom !== undefined) steps.push({ value: alarmFrom, color: 'red' });
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}
