import { expect, it } from 'vitest';
import { GitHosts } from '../../src/git-sync/git-hosts.js';
import { VirtualClock } from '../support/virtual-clock.js';

it('a host is asked as often as the setting says at each time, also when that becomes less', () => {
  const settings = { fetchesPerMinuteMax: 5, isFailingRelay: () => false };
  const host = new GitHosts(new VirtualClock(), settings).of('a.example');
  expect(Array.from({ length: 6 }, () => host.begin() === 0)).toEqual([true, true, true, true, true, false]);
  settings.fetchesPerMinuteMax = 7;
  expect([host.begin() === 0, host.begin() === 0, host.begin() === 0]).toEqual([true, true, false]);
  settings.fetchesPerMinuteMax = 2;
  expect(host.begin()).toBeGreaterThan(0);
});
