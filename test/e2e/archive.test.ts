import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { eventually } from '../support/eventually.js';
import { PlainRelay } from '../support/plain-relay.js';
import { hasRealEvents, realEvents } from '../support/real-events.js';
import { startService } from '../support/service/service.js';
import { TestClient } from '../support/test-client.js';

describe.skipIf(!hasRealEvents)('an archive of real events (skipped where they are absent)', () => {
  it('takes every NIP-34 event from its bootstrap relay', async () => {
    const events = realEvents();
    const nip34 = events.filter(({ kind }) => kind === 30617 || kind === 30618);
    expect(nip34).toHaveLength(25);
    await using remote = await PlainRelay.serve(events);
    await using service = await startService({
      flags: ['--archive-all', '--sync-bootstrap-relay-url', remote.url, '--sync-startup-delay-secs', '0'],
    });
    await using client = await TestClient.connect(service.url);
    const filter = { kinds: [30617, 30618] };
    await eventually(async () => (await client.count(filter)) >= nip34.length);
    const stored = await client.query({ ...filter, limit: 500 });
    expect(stored.sort(byId)).toEqual(nip34.sort(byId));
  });
});

function byId(a: NostrEvent, b: NostrEvent): number {
  return a.id < b.id ? -1 : 1;
}
