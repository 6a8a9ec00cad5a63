import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { OwnService } from '../../src/nostr/relay-url.js';
import { parseAnnouncement } from '../../src/nostr/repository.js';
import { Discovery } from '../../src/sync/discovery.js';
import { announcement } from './support/events.js';

function discovery(bootstrapRelays: string[] = [], relaysMax = 100): Discovery {
  const ownService = new OwnService('grasp.example', '127.0.0.1:7334');
  return new Discovery({ ownService, bootstrapRelays, relaysMax, relaysPerAnnouncementMax: 5 });
}

describe('which relays (docs/sync.md §1)', () => {
  it('tracks a relay for as long as a stored announcement names it', () => {
    const relays = discovery();
    relays.add(['wss://a.example', 'wss://b.example']);
    relays.add(['wss://a.example']);
    expect([...relays.tracked()]).toEqual(['wss://a.example', 'wss://b.example']);
    relays.remove(['wss://a.example', 'wss://b.example']);
    expect([...relays.tracked()]).toEqual(['wss://a.example']);
    relays.remove(['wss://a.example']);
    expect(relays.tracked().size).toBe(0);
  });

  it('takes every value of the relays tag', () => {
    const parsed = parseAnnouncement(announcement('repo', ['wss://a.example', 'wss://b.example']));
    expect(discovery().relaysOf(parsed)).toEqual(['wss://a.example', 'wss://b.example']);
  });

  it('never drops a bootstrap relay', () => {
    const relays = discovery(['wss://boot.example']);
    relays.add(['wss://boot.example']);
    relays.remove(['wss://boot.example']);
    expect([...relays.tracked()]).toEqual(['wss://boot.example']);
  });

  it('takes one relay for one, whatever its spellings', () => {
    const spellings = [
      'wss://A.example',
      'wss://a.example:443/',
      'wss://user:secret@a.example/#top',
      'WSS://a.EXAMPLE.',
    ];
    const parsed = parseAnnouncement(announcement('repo', spellings));
    expect(discovery().relaysOf(parsed)).toEqual(['wss://a.example']);
  });

  it('excludes own service by parsed host and port, never by substring', () => {
    const relays = discovery(['wss://grasp.example']);
    expect(relays.tracked().size).toBe(0);
    const others = ['wss://grasp.example.org', 'wss://my-grasp.example', 'wss://other.example/grasp.example'];
    const parsed = parseAnnouncement(announcement('repo', ['ws://127.0.0.1:7334', ...others]));
    expect(relays.relaysOf(parsed)).toEqual(others);
  });

  it('takes only ws: and wss:', () => {
    const parsed = parseAnnouncement(
      announcement('repo', ['https://a.example', 'file:///etc/passwd', 'ws://b.example']),
    );
    expect(discovery().relaysOf(parsed)).toEqual(['ws://b.example']);
  });

  it('takes the first 100 relays of one announcement, beside own service', () => {
    const ownService = new OwnService('grasp.example', '127.0.0.1:7334');
    const relaysPerAnnouncementMax = limits.syncRelaysPerAnnouncementMax;
    const relays = new Discovery({
      ownService,
      bootstrapRelays: [],
      relaysMax: 10,
      relaysPerAnnouncementMax,
    });
    const urls = Array.from({ length: 150 }, (_, number) => `wss://relay-${number}.example`);
    const parsed = parseAnnouncement(announcement('repo', urls));
    expect(relays.relaysOf(parsed)).toEqual(urls.slice(0, 100));
  });

  it('stays within its limit, with the relays that most announcements name', () => {
    const relays = discovery([], 2);
    for (const url of ['wss://c', 'wss://a', 'wss://b', 'wss://a', 'wss://b', 'wss://a']) relays.add([url]);
    expect([...relays.tracked()]).toEqual(['wss://a', 'wss://b']);
  });
});
