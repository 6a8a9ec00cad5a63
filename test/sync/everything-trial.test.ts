import { expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { minuteMs } from '../../src/lib/clock.js';
import { defaultSyncSettings } from '../../src/sync/settings.js';
import type { FilterService } from '../../src/sync/topics/filter-service.js';
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
  const others = Array.from({ length: 100 }, (_, n) => event({ kind: 1, content: `something else ${n}` }));
  // They come while all is reconciled, and are not part of that.
  relay.script = (_, [kind, , filter]) => {
    if (kind !== 'NEG-OPEN' || Object.keys(filter as object).length > 0) return false;
    for (const each of others) relay.publish(each);
    relay.events.splice(-others.length);
    return false;
  };
  world.start();
  await world.advance(10 * minuteMs);
  expect(relay.events).toHaveLength(3);
  expect(relay.messages('NEG-OPEN').at(-1)?.[2]).toEqual({});
  expect(relay.live()).toEqual([{ limit: 0 }]);
  await world.stop();
});

/** Asks a relay for everything; what it brought that was not wanted is stored by the end, or not. */
function scopeOf(isStored: (id: string) => boolean): RelayScope {
  const filters = {
    hasTopics: () => true,
    topicsOf: () => [],
    wants: () => false,
  } as unknown as FilterService;
  const scope = new RelayScope({
    relay: url,
    filters,
    store: { has: isStored },
    clock: new VirtualClock(0),
    settings: { ...defaultSyncSettings, everythingTopicsMin: 2 },
  });
  scope.connected(true);
  return scope;
}

it.each([
  ['are stored by then', true],
  ['are still not stored', false],
])(
  'ids that were not wanted when they came are looked at once, when all has come: they %s',
  (_, isStored) => {
    const scope = scopeOf(() => isStored);
    const outcomes = Array.from({ length: 2_000 }, (_, n) => scope.count(`${n}`, n < 900));
    expect(outcomes).not.toContain(true);
    expect(scope.prove()).toBe(isStored);
  },
);

it.each([
  [40, true],
  [60, false],
])(
  'of a relay that holds very much it is looked at before all has come, by a sample: %i of 100 are not wanted',
  (unwanted, isWorthIt) => {
    let looks = 0;
    const scope = scopeOf(() => {
      looks += 1;
      return false;
    });
    const outcomes: boolean[] = [];
    for (let n = 1; n <= limits.everythingTrialEventsMax; n += 1) {
      outcomes.push(scope.count(`${n}`, n % 100 >= unwanted));
    }
    expect(outcomes.indexOf(true)).toBe(limits.everythingTrialEventsMax - 1);
    expect(scope.prove()).toBe(isWorthIt);
    expect(looks).toBeLessThanOrEqual(limits.everythingTrialIdsMax);
  },
);
