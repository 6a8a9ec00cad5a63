import { AddressAccounts, type AddressLimits } from '../../src/lib/budgets/address-accounts.js';
import { type Clock, systemClock } from '../../src/lib/clock.js';

/** Accounts with these limits and no others. */
export function accountsOf(limits: Partial<AddressLimits>, clock: Pick<Clock, 'monotonic'> = systemClock) {
  return new AddressAccounts(
    clock,
    {
      connectionsMax: undefined,
      requestsPerMinuteMax: undefined,
      eventsPerMinuteMax: undefined,
      eventBytesPerMinuteMax: undefined,
      pushesPerMinuteMax: undefined,
      strangerEventsPerDayMax: undefined,
      failedAuthorizationsPerMinuteMax: undefined,
      bytesPerMinuteMax: undefined,
      violations: undefined,
      ...limits,
    },
    1_000,
  );
}

/** Accounts without limits. */
export function freeAccounts(): AddressAccounts {
  return accountsOf({});
}
