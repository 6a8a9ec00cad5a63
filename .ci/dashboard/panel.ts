/** A query of a panel, and what its series are called: PromQL, and text with `{{label}}`. */
export type PanelQuery = readonly [expression: string, legend: string];

/** Units of Grafana that are used here. */
export type Unit = 'short' | 's' | 'bytes' | 'Bps' | 'cps' | 'percentunit';

/** One panel of the dashboard. */
export type PanelSpec = {
  readonly title: string;
  /** What it says to the operator: one or two sentences. */
  readonly about: string;
  /** One large figure, or name of a series; lines over time; lines over time, one upon the other; a table of what is so now. */
  readonly kind: 'figure' | 'name' | 'lines' | 'stack' | 'table';
  readonly unit: Unit;
  readonly queries: readonly PanelQuery[];
  /** From which value on a figure is yellow, and red. */
  readonly warnFrom?: number;
  readonly alarmFrom?: number;
  /** Below which value a figure is red. */
  readonly alarmBelow?: number;
};

/** A row of panels. */
export type RowSpec = { readonly title: string; readonly panels: readonly PanelSpec[] };

/** A metric of those instances that are chosen, with further label matchers. */
export function of(metric: string, matchers = ''): string {
  return `${metric}{job=~"$job",instance=~"$instance"${matchers === '' ? '' : `,${matchers}`}}`;
}

/** How fast a counter grows a second, summed by labels. */
export function rate(metric: string, by = '', matchers = ''): string {
  return `sum${by === '' ? '' : ` by (${by})`} (rate(${of(metric, matchers)}[$__rate_interval]))`;
}

/** By how much a counter grew in a day; 0 where it has no series yet. */
export function inADay(metric: string): string {
  return `(sum(increase(${of(metric)}[1d])) or vector(0))`;
}

/** A quantile of a histogram. */
export function quantile(share: number, metric: string, by = '', matchers = ''): string {
  const labels = by === '' ? 'le' : `${by}, le`;
  return `histogram_quantile(${share}, ${rate(`${metric}_bucket`, labels, matchers)})`;
}
