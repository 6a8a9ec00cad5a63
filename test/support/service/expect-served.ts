import { expect } from 'vitest';
import { servedWithinMs } from './service.js';

/**
 * Expects something of what the service answers about what was written over another connection: at once of a single daemon; of
 * several it is asked until it is so, for those that follow have it a moment later.
 */
export function expectServed<T>(ask: () => Promise<T>) {
  const timeout = servedWithinMs();
  return timeout === 0 ? expect(ask()).resolves : expect.poll(ask, { timeout, interval: 20 });
}
