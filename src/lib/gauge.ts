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
