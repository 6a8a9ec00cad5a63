import { Gauge, type Registry } from 'prom-client';

/** Registers a gauge that is read when it is scraped. */
export type AddGauge = (name: string, help: string, read: () => number) => void;

/** The way to register such gauges in `registry`. */
export function gaugesIn(registry: Registry): AddGauge {
  return (name, help, read) => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
}

/** The sum of the series of a metric that have these labels, whatever else they have; 0 where there is none. */
export async function metricValue(
  registry: Registry,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const read = await registry.getSingleMetric(name)?.get();
  let sum = 0;
  for (const { value, labels: its } of read?.values ?? []) {
    if (Object.entries(labels).every(([label, text]) => its[label] === text)) sum += value;
  }
  return sum;
}
