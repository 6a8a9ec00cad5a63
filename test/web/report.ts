import type { FullStatusReport } from '../../src/web/status/status-report.js';
import { throughputNames } from '../../src/web/status/status-report.js';

/** A report of a daemon that has nothing yet. */
export function emptyReport(): FullStatusReport {
  return {
    at: '2026-01-01T00:00:00.000Z',
    status: {
      version: '1.2.3',
      startedAt: '2026-01-01T00:00:00.000Z',
      address: '127.0.0.1:7334',
      domain: 'git.example.org',
      events: 0,
      heldEvents: 0,
      relays: { tracked: 0, connected: 0, dead: 0, complete: 0 },
      firstCatchup: { isOver: false, stored: 0, expected: 0 },
      repositories: { served: 0, incomplete: 0 },
      moderation: { bannedPubkeys: 0, bannedEvents: 0, blockedAddresses: 0, allowedPubkeys: 0 },
      isDiskLow: false,
    },
    relays: { total: 0, shown: [] },
    refused: [],
    held: { kinds: [] },
    store: {
      events: 0,
      refusedIds: 0,
      pendingEvents: 0,
      indexBytes: 0,
      repositoriesBytes: 0,
      repositoriesBytesMax: 1_000_000,
      floorBytes: 0,
    },
    throughput: {
      stepSeconds: 60,
      end: 1_767_225_600,
      series: throughputNames.map((name) => ({ name, values: [0] })),
    },
  };
}
