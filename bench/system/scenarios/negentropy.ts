import { recordBytes } from '../../../src/kernels/kernels.js';
import { createWasmKernels } from '../../../src/kernels/wasm/kernels.js';
import { fromHex, toHex } from '../../../src/lib/bytes.js';
import { NegentropyClient } from '../../../src/negentropy/client.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import type { Filter } from '../../../src/nostr/filter.js';
import { BenchClient } from '../client.js';
import type { Figure, Scenario } from '../scenario.js';
import { percentile } from '../statistics.js';
import { accountOf, readOwnUsage, type World } from '../world.js';

const sixKinds = [1617, 1618, 1619, 1621, 1622, 1630];
const repeats = 20;
const frameBytesMax = 60_000;

/** How long a relay takes to begin a reconciliation with a peer that has the same events. */
export const negentropyScenario: Scenario = {
  name: 'negentropy',
  about: 'from NEG-OPEN to the first NEG-MSG over all events, and over six kinds',
  byUrl: true,
  async run(world) {
    const figures: Figure[] = [];
    const target = await world.filledTarget();
    const client = await BenchClient.connect(target.url);
    const account = accountOf([target.usage, readOwnUsage]);
    const questions: [string, Filter][] = [
      ['everything', {}],
      ['six kinds', { kinds: sixKinds }],
    ];
    for (const [name, filter] of questions) {
      const payload = await firstMessage(world, ({ kind }) => filter.kinds?.includes(kind) ?? true);
      const first = await client.openNegentropy(filter, payload);
      const times: number[] = [];
      for (let round = 0; round < repeats; round += 1)
        times.push((await client.openNegentropy(filter, payload)).ms);
      figures.push({ name: `${name}, first`, value: first.ms, unit: 'ms' });
      figures.push({ name: `${name}, repeated p50`, value: percentile(times, 0.5), unit: 'ms' });
    }
    const usage = account();
    await client[Symbol.asyncDispose]();
    await target.relay?.[Symbol.asyncDispose]();
    return { figures, usage };
  },
};

/** The first message of a peer that holds the same events, as hex. */
async function firstMessage(world: World, isOfFilter: (event: NostrEvent) => boolean): Promise<string> {
  using builder = createWasmKernels().createRecordSet();
  for await (const event of world.file.head()) {
    if (!isOfFilter(event)) continue;
    const bytes = builder.append(1);
    const view = new DataView(bytes.buffer, bytes.byteOffset, recordBytes);
    view.setBigUint64(0, BigInt(event.created_at), true);
    bytes.set(fromHex(event.id), 8);
  }
  using set = builder.seal();
  const client = new NegentropyClient(set, { frameBytesMax, needIdsMax: world.file.events });
  return toHex(client.initiate());
}
