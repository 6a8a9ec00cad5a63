import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Identity, npubOf } from '../../src/nostr/keys.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { manage } from '../support/manage.js';
import { type Service, startService } from '../support/service/service.js';
import { TestClient } from '../support/test-client.js';

const [owner, admin, relayOwner] = [testIdentity(1), testIdentity(2), testIdentity(9)];

describe('the management over HTTP (NIP-86)', () => {
  it('changes what NIP-11 says and bans, as a client of Nostr calls it, and all of it outlives a restart', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'graspd-bans-'));
    const settings = {
      directory,
      flags: ['--archive-all', '--admin-pubkeys', npubOf(admin.pubkey)],
      environment: { NGIT_RELAY_OWNER_NSEC: relayOwner.toNsec() },
    };
    const urlOf = ({ port }: Service) => `http://127.0.0.1:${port}`;
    const done = [200, { result: true }];
    try {
      const announced = signedEvent(owner, { kind: 30617, tags: [['d', 'project']] });
      {
        await using service = await startService(settings);
        const call = (by: Identity, ...words: [method: string, ...params: unknown[]]) =>
          manage(urlOf(service), by, ...words);
        await using client = await TestClient.connect(service.url);
        await client.publish(announced);
        for (const by of [relayOwner, admin])
          expect(await call(by, 'supportedmethods')).toMatchObject([200, {}]);
        expect(await call(owner, 'supportedmethods')).toMatchObject([401, {}]);
        expect(await call(admin, 'changerelayname', 'Another name')).toEqual(done);
        expect(await call(admin, 'banpubkey', owner.pubkey, 'spam')).toEqual(done);
        await eventually(async () => (await client.count({})) === 0);
      }
      await using service = await startService(settings);
      const response = await fetch(urlOf(service), { headers: { Accept: 'application/nostr+json' } });
      expect(await response.json()).toMatchObject({
        name: 'Another name',
        supported_nips: expect.arrayContaining([86, 98]),
        curation: expect.stringContaining('authors whose events are refused'),
      });
      await using client = await TestClient.connect(service.url);
      expect(await client.publish(announced)).toMatchObject({ accepted: false });
      expect(await manage(urlOf(service), admin, 'listbannedpubkeys')).toEqual([
        200,
        { result: [{ pubkey: owner.pubkey, reason: 'spam' }] },
      ]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
