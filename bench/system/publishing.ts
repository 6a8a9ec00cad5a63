import type { BenchClient } from './client.js';
import { machineMs } from './statistics.js';

/** How publishing went: its time, the time from each event to its OK, and when each was sent (`machineMs`). */
export type Published = {
  readonly ms: number;
  readonly latencies: readonly number[];
  readonly sentAtMs: ReadonlyMap<string, number>;
};

/** Publishes all, with no more than `inFlight` without an OK. Rejects when one is refused. */
export async function publishAll(
  client: BenchClient,
  events: readonly string[],
  inFlight: number,
): Promise<Published> {
  const run = new PublishRun(client);
  const startedAt = machineMs();
  let next = 0;
  const more = () => {
    while (next < events.length && run.open < inFlight) {
      run.send(events[next] as string);
      next += 1;
    }
    return next >= events.length && run.open === 0;
  };
  await run.until(more);
  return { ms: machineMs() - startedAt, ...run };
}

/** Publishes `perSecond` events a second, whether or not the relay keeps up. Rejects when one is refused. */
export async function publishSteadily(
  client: BenchClient,
  events: readonly string[],
  perSecond: number,
): Promise<Published> {
  const run = new PublishRun(client);
  const startedAt = machineMs();
  for (const [index, json] of events.entries()) {
    const waitMs = startedAt + (index * 1000) / perSecond - machineMs();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    run.send(json);
  }
  await run.until(() => run.open === 0);
  return { ms: machineMs() - startedAt, ...run };
}

class PublishRun {
  readonly latencies: number[] = [];
  readonly sentAtMs = new Map<string, number>();
  readonly #client: BenchClient;
  open = 0;
  #refusal: string | undefined;
  #onOk: () => void = () => {};

  constructor(client: BenchClient) {
    this.#client = client;
    client.onOk = (id, accepted, frame) => {
      this.latencies.push(machineMs() - (this.sentAtMs.get(id) ?? Number.NaN));
      this.open -= 1;
      if (!accepted) this.#refusal ??= frame;
      this.#onOk();
    };
  }

  /** The id stands at the same place in all traffic: it is the first field. */
  send(json: string): void {
    this.sentAtMs.set(json.slice(7, 71), machineMs());
    this.open += 1;
    this.#client.publish(json);
  }

  /** Resolves when `isDone`, which is asked after each OK. */
  until(isDone: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onOk = () => {
        if (this.#refusal !== undefined) reject(new Error(`an event was refused: ${this.#refusal}`));
        else if (isDone()) resolve();
      };
      this.#onOk();
    });
  }
}
