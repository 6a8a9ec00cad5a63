import { expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { minuteMs, secondMs } from '../../src/lib/clock.js';
import { defaultSyncSettings } from '../../src/sync/settings.js';
import type { FilterService } from '../../src/sync/topics/filter.js';
import { RelayScope } from '../../src/sync/topics/scope.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { announcement, event } from './support/events.js';
import { emptyInformation } from './support/fake-relay.js';
import { World } from './support/world.js';

const url = 'wss://relay.example';

it('whether everything is worth asking for is told by what it brings, not by what comes live', async () => {
  const world = new World({ settings: { bootstrapRelays: [url], everythingTopicsMin: 2 } });
  const relay = world.relay(url);
  relay.information = { ...emptyInformation, supportsGrasp: true };
  relay.events.push(...['one', 'two', 'three'].map((name) => announcement(name, [url])));
  // The reconciliation of everything takes its time.
  relay.script = (_, [kind, , filter]) => kind === 'NEG-OPEN' && Object.keys(filter as object).length === 0;
  world.start();
  await world.advance(20 * secondMs);
  expect(relay.live()).toEqual([{ limit: 0 }]);
  for (let n = 0; n < (limits.everythingTrialsLater + 2) * limits.everythingTrialEvents; n += 1) {
    relay.publish(event({ kind: 1, content: `something else ${n}` }));
  }
  await world.advance(10 * secondMs);
  expect(relay.live()).toEqual([{ limit: 0 }]);
  relay.script = () => false;
  await world.advance(minuteMs);
  await world.stop();
});

it.each([
  ['are stored by then', true, false],
  ['are still not stored', false, true],
])(
  'ids that were not wanted are looked at again when many more have come: they %s',
  (_, areStored, isUnfit) => {
    const filters = {
      topicCount: () => 2,
      topicsOf: () => [],
      wants: () => false,
    } as unknown as FilterService;
    const scope = new RelayScope({
      relay: url,
      filters,
      store: { has: () => areStored },
      clock: new VirtualClock(0),
      settings: { ...defaultSyncSettings, everythingTopicsMin: 2 },
    });
    scope.connected(true);
    const outcomes = Array.from(
      { length: (1 + limits.everythingTrialsLater) * limits.everythingTrialEvents },
      (_, n) => scope.count(`${n}`, n >= limits.everythingTrialEvents),
    );
    expect(outcomes.indexOf(true)).toBe(isUnfit ? outcomes.length - 1 : -1);
  },
);
