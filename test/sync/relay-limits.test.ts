import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInformation } from '../../src/sync/dial/information.js';
import { fewerFilters, fewerSubscriptions, relayLimits } from '../../src/sync/peer/relay-limits.js';
import { emptyInformation } from './support/fake-relay.js';

fc.configureGlobal({ seed: 20260101 });

describe('the limits of a remote (docs/sync.md §2)', () => {
  it('are cautious where it publishes none: ≤ 8 subscriptions, ≤ 10 filters, ≤ 60 KB, one negentropy session', () => {
    for (const information of [undefined, emptyInformation]) {
      const limits = relayLimits(information);
      expect(limits.subscriptions).toBe(8);
      expect(limits.filtersPerSubscription).toBe(10);
      expect(limits.messageBytes).toBe(60_000);
      expect(limits.negentropySessions).toBe(1);
      expect(limits.eventsPerFilter).toBeUndefined();
    }
  });

  it('are those of its NIP-11 document where it has one', () => {
    const information = parseInformation(
      JSON.stringify({
        supported_nips: [1, 77],
        limitation: {
          max_subscriptions: 20,
          max_filters: 5,
          max_message_length: 30_000,
          max_limit: 250,
          auth_required: true,
        },
      }),
    );
    expect(information?.authRequired).toBe(true);
    const limits = relayLimits(information);
    expect(limits).toMatchObject({
      subscriptions: 20,
      filtersPerSubscription: 5,
      messageBytes: 30_000,
      eventsPerFilter: 250,
    });
    expect(limits.negentropySessions).toBeGreaterThan(1);
  });

  it('a message has 262,144 bytes at most, whatever the remote publishes', () => {
    expect(relayLimits({ ...emptyInformation, maxMessageBytes: 1_000_000_000 }).messageBytes).toBe(262_144);
  });

  it('live sync, downloads and negentropy together stay within the subscriptions, whatever their number', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 0, max: 3 }),
        (maxSubscriptions, times) => {
          let limits = relayLimits({ ...emptyInformation, maxSubscriptions });
          for (let time = 0; time < times; time += 1)
            limits = fewerSubscriptions(limits, limits.subscriptions);
          const sessions = limits.subscriptions > 2 ? limits.negentropySessions : 0;
          expect(limits.liveSubscriptions + limits.requests + sessions).toBeLessThanOrEqual(
            limits.subscriptions,
          );
          expect(limits.requests).toBeGreaterThan(0);
          expect(limits.negentropySessions).toBeGreaterThan(0);
        },
      ),
    );
  });

  it('become less when the remote says so', () => {
    const limits = relayLimits(undefined);
    expect(fewerSubscriptions(limits, 5).subscriptions).toBe(4);
    expect(fewerFilters(limits).filtersPerSubscription).toBe(5);
  });

  it('leaves out what makes no sense, and takes what is no document for none', () => {
    const odd = parseInformation(
      '{"limitation": {"max_subscriptions": -3, "max_limit": "5", "max_filters": 1.5}}',
    );
    expect(odd).toMatchObject({ maxSubscriptions: undefined, maxLimit: undefined, maxFilters: undefined });
    expect(parseInformation('<html>')).toBeUndefined();
    expect(parseInformation('[1]')).toBeUndefined();
    expect(parseInformation('null')).toBeUndefined();
  });
});
