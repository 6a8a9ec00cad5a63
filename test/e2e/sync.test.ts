import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { Identity } from '../../src/nostr/keys.js';
import { repositoryAddress } from '../../src/nostr/repository.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { PlainRelay } from '../support/plain-relay.js';
import { QuickSigner } from '../support/quick-signing.js';
import { type Service, startService } from '../support/service/service.js';
import { TestClient } from '../support/test-client.js';

const quick = [
  '--archive-all',
  '--sync-startup-delay-secs=0',
  '--sync-startup-jitter-ms=50',
  '--sync-reconnect-delay-secs=0',
  '--sync-base-backoff-secs=1',
  '--sync-max-backoff-secs=1',
];
const following = (url: string, ...flags: string[]) => ({
  flags: [...quick, '--sync-bootstrap-relay-url', url, ...flags],
});

const owner = testIdentity(1);
const address = repositoryAddress(owner.pubkey, 'project');
const now = Math.floor(Date.now() / 1000);
const announcement = signedEvent(owner, { kind: 30617, created_at: now - 9000, tags: [['d', 'project']] });
const contributor = new QuickSigner(new Uint8Array(32).fill(2));
const issue = (n: number): NostrEvent =>
  contributor.sign({
    kind: 1621,
    created_at: now - 5000 + n,
    tags: [['a', address]],
    content: `${n}`,
  });

async function holds(service: Service, events: readonly NostrEvent[]): Promise<void> {
  await using client = await TestClient.connect(service.url);
  const ids = events.map(({ id }) => id);
  await eventually(async () => (await client.count({ ids })) === ids.length);
}

describe('over real sockets', () => {
  it('what was missed while the remote was away comes after it is back, and live events follow', async () => {
    const first = await startService({ flags: quick });
    const { port, directory } = first;
    try {
      const publisher = await TestClient.connect(first.url);
      await publisher.publish(announcement);
      await using service = await startService(following(first.url));
      await holds(service, [announcement]);
      await publisher[Symbol.asyncDispose]();
      first.kill('SIGTERM');
      expect(await first.exited).toBe(0);

      await using second = await startService({ flags: quick, port, directory });
      await using again = await TestClient.connect(second.url);
      expect((await again.publish(issue(1))).accepted).toBe(true);
      await holds(service, [issue(1)]);
      await eventually(
        async () => (await service.metric(`ngit_sync_relay_connected{relay="${second.url}"}`)) === 1,
      );
      await again.publish(issue(2));
      await holds(service, [issue(2)]);
    } finally {
      await first[Symbol.asyncDispose]();
    }
  });

  it('a relay without NIP-77 is paged through, and listened to', async () => {
    const issues = Array.from({ length: 1200 }, (_, n) => issue(n));
    await using remote = await PlainRelay.serve([announcement, ...issues.slice(0, 1100)]);
    await using service = await startService(following(remote.url));
    await holds(service, [announcement, ...issues.slice(0, 1100)]);
    await eventually(() =>
      remote.subscriptions.flat().some((filter) => filter['#a']?.includes(address) && filter.limit === 0),
    );
    remote.add(issues[1150] as NostrEvent);
    await holds(service, issues.slice(1150, 1151));
    // The text of metrics may be a moment old.
    await eventually(async () => (await service.metric('ngit_sync_events_total{source="live_sync"}')) === 1);
  });

  it('relays that take NEG-OPEN and are silent are probed once, and paged through', async () => {
    const issues = Array.from({ length: 800 }, (_, n) => issue(n));
    const options = { isSilentOnNegentropy: true };
    await using first = await PlainRelay.serve([announcement, ...issues.slice(0, 500)], options);
    await using second = await PlainRelay.serve([announcement, ...issues.slice(300)], options);
    await using service = await startService(following(`${first.url},${second.url}`));
    await holds(service, [announcement, ...issues]);
    expect([first.negentropyOpened, second.negentropyOpened]).toEqual([1, 1]);
  });

  it('a relay that must be authenticated to is answered with the key of the daemon', async () => {
    const identity = Identity.generate();
    await using remote = await PlainRelay.serve([announcement, issue(1)], { authRequired: true });
    await using service = await startService(following(remote.url, '--relay-owner-nsec', identity.toNsec()));
    await holds(service, [announcement, issue(1)]);
    expect(remote.authenticated).toEqual([identity.pubkey]);
  });

  it('a relay that asks to slow down gets no requests for 65 s, and stays connected', async () => {
    await using remote = await PlainRelay.serve([announcement, issue(1)], { rateLimitAfter: 2 });
    await using service = await startService(following(remote.url));
    await eventually(() => remote.refusedAt.length > 0);
    await holds(service, []);
    const pause = new Promise((resolve) => setTimeout(resolve, 3_000));
    await pause;
    const refusedAt = remote.refusedAt[0] ?? 0;
    expect(remote.requestedAt.filter((time) => time > refusedAt + 500)).toEqual([]);
    expect(await service.metric(`ngit_sync_relay_connected{relay="${remote.url}"}`)).toBe(1);
    expect(await service.metric(`ngit_sync_relay_failures{relay="${remote.url}"}`)).toBe(0);
  });

  it('many repositories are packed into few subscriptions, and none is lost', async () => {
    const repositories = Array.from({ length: 20 }, (_, n) =>
      signedEvent(owner, { kind: 30617, created_at: now - 9000 + n, tags: [['d', `project-${n}`]] }),
    );
    const last = signedEvent(testIdentity(2), {
      kind: 1621,
      created_at: now,
      tags: [['a', repositoryAddress(owner.pubkey, 'project-19')]],
    });
    await using remote = await PlainRelay.serve();
    await using service = await startService(
      following(remote.url, '--sync-max-tags-per-filter=2', '--sync-max-subscriptions=20'),
    );
    await eventually(
      async () => (await service.metric(`ngit_sync_relay_connected{relay="${remote.url}"}`)) === 1,
    );
    await eventually(() => remote.subscriptions.length > 0);
    for (const repository of repositories) remote.add(repository);
    await holds(service, repositories);
    const listened = () =>
      new Set(
        remote.subscriptions.flat().flatMap((filter) => (filter.limit === 0 ? (filter['#a'] ?? []) : [])),
      );
    await eventually(() => listened().size === repositories.length);
    expect(remote.subscriptions.length).toBeLessThanOrEqual(8);
    remote.add(last);
    await holds(service, [last]);
  });
});
