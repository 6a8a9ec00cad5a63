import type { Registry } from 'prom-client';
import type { MetricsText } from '../../http/built-in-routes.js';
import type { Clock } from '../../lib/clock.js';
import type { AliasSource, Labels, MetricAlias } from './metric-aliases.js';

/** One series of a metric. */
type Series = { readonly labels: Labels; readonly value: number };

/** The metrics of a registry with aliases after them. Nothing is counted twice: these are read from what is counted. */
export function aliasedMetrics(
  registry: Registry,
  aliases: readonly MetricAlias[],
  clock: Pick<Clock, 'now'>,
): MetricsText {
  return {
    contentType: registry.contentType,
    async metrics() {
      const text = await registry.metrics();
      const blocks = await Promise.all(aliases.map((alias) => blockOf(alias, registry, clock.now() / 1000)));
      return [text.trimEnd(), ...blocks, ''].join('\n');
    },
  };
}

/** An alias in the text format of Prometheus. */
async function blockOf(
  { name, type, help, sources }: MetricAlias,
  registry: Registry,
  nowSeconds: number,
): Promise<string> {
  const sums = new Map<string, number>();
  for (const source of sources) {
    for (const { labels, value } of await seriesOf(source, registry, nowSeconds)) {
      const key = labelText(labels);
      sums.set(key, (sums.get(key) ?? 0) + value);
    }
  }
  const lines = [...sums].map(([labels, value]) => `${name}${labels} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join('\n');
}

/** What a source gives to its alias. */
async function seriesOf(source: AliasSource, registry: Registry, nowSeconds: number): Promise<Series[]> {
  const metric = await registry.getSingleMetric(source.metric)?.get();
  return (metric?.values ?? []).flatMap(({ labels: own, value }) => {
    const labels = source.labels === undefined ? {} : source.labels(textOf(own));
    return labels === undefined ? [] : [{ labels, value: source.value?.(value, nowSeconds) ?? value }];
  });
}

function textOf(labels: Readonly<Record<string, string | number | undefined>>): Labels {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
