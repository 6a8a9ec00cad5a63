import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import {
  DescriptorError,
  descriptorLimit,
  descriptorShares,
  descriptorsFor,
} from '../../src/daemon/descriptors.js';

describe('the shares of descriptors', () => {
  it.each([400, 1_024, 4_096, 20_000, 65_536])(
    'leave store, threads and process what they need, of %s',
    (descriptors) => {
      const workers = 4;
      const { connectionsMax, relaysMax } = descriptorShares(descriptors, workers, 28);
      const taken =
        connectionsMax +
        limits.httpSpareConnectionsMax +
        limits.httpRefusedConnectionsMax +
        relaysMax * limits.descriptorsPerRelay;
      expect(descriptors - taken).toBeGreaterThanOrEqual(
        limits.storeOpenFilesMax +
          limits.descriptorsProcess +
          workers * limits.descriptorsPerWorker +
          28 * limits.descriptorsPerGitProcess,
      );
      expect(connectionsMax).toBeGreaterThanOrEqual(limits.connectionsMin);
      expect(relaysMax).toBeGreaterThanOrEqual(1);
      expect(relaysMax).toBeLessThanOrEqual(limits.syncRelaysMax);
    },
  );

  it('are no limit where the process has none', () => {
    const shares = descriptorShares(Number.POSITIVE_INFINITY, 1, 28);
    expect(shares).toEqual({ connectionsMax: Number.POSITIVE_INFINITY, relaysMax: limits.syncRelaysMax });
  });

  it('say how many are needed when there are too few', () => {
    const failure = (() => {
      try {
        return descriptorShares(250, 2, 28);
      } catch (error) {
        return error as DescriptorError;
      }
    })();
    expect(failure).toBeInstanceOf(DescriptorError);
    const needed = Number(/needs (\d+) or more/.exec((failure as DescriptorError).message)?.[1]);
    expect(descriptorShares(needed, 2, 28).connectionsMax).toBeGreaterThanOrEqual(limits.connectionsMin);
  });

  it.each([500, 6_000, 10_000, 200_000])(
    'have room for %s connections in as many as are said to be needed, and hardly more',
    (connections) => {
      const needed = descriptorsFor(connections, 4, 28);
      expect(descriptorShares(needed, 4, 28).connectionsMax).toBeGreaterThanOrEqual(connections);
      expect(descriptorShares(needed - 3, 4, 28).connectionsMax).toBeLessThan(connections);
    },
  );

  it('follow from the limit of this process', () => {
    expect(descriptorLimit()).toBeGreaterThan(0);
  });
});
