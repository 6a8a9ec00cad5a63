import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { OwnService } from '../../src/nostr/relay-url.js';
import { type Announcement, parseAnnouncement } from '../../src/nostr/repository.js';
import {
  type AnnouncedRepository,
  announcedRepository,
} from '../../src/repositories/announced-repository.js';
import { Discovery, type Naming } from '../../src/sync/topics/discovery.js';
import { announcement } from './support/events.js';

const ownService = new OwnService('grasp.example', '127.0.0.1:7334');

function discovery(bootstrapRelays: string[] = [], relaysMax = 100): Discovery {
  return new Discovery({ ownService, bootstrapRelays, relaysMax });
}

/** What is kept of a repository that we serve, or not. */
function kept(announced: Announcement, isServed = true): AnnouncedRepository {
  const isOwnService = (url: string) => ownService.isNamedBy(url);
  return announcedRepository({ id: 'id', created_at: 0 }, announced, {
    serves: () => isServed,
    awaitsGitData: () => false,
    isOwnService,
  });
}

/** Who names a relay in these tests, if nothing is said. */
const someone: Naming = { author: 'someone', standing: 'hosted' };

describe('which relays (docs/sync.md §1)', () => {
  it('tracks a relay for as long as a stored announcement names it', () => {
    const relays = discovery();
    relays.add(['wss://a.example', 'wss://b.example'], someone);
    relays.add(['wss://a.example'], someone);
    expect([...relays.tracked()]).toEqual(['wss://a.example', 'wss://b.example']);
    relays.remove(['wss://a.example', 'wss://b.example'], someone);
    expect([...relays.tracked()]).toEqual(['wss://a.example']);
    relays.remove(['wss://a.example'], someone);
    expect(relays.tracked().size).toBe(0);
  });

  it('takes every value of the relays tag', () => {
    const parsed = parseAnnouncement(announcement('repo', ['wss://a.example', 'wss://b.example']));
    expect(kept(parsed).relays).toEqual(['wss://a.example', 'wss://b.example']);
  });

  it('follows no URL that is longer than any relay has', () => {
    const fitting = 'wss://a.example/'.padEnd(limits.syncRelayUrlCharsMax, 'x');
    const parsed = parseAnnouncement(announcement('repo', [`${fitting}x`, fitting]));
    expect(parsed.relays).toHaveLength(3);
    expect(kept(parsed).relays).toEqual([fitting]);
  });

  it('remembers a bounded number, half of them only of authors who name few', () => {
    const relays = discovery();
    const most = limits.syncNamedRelaysMax;
    const flood = Array.from({ length: most }, (_, at) => `wss://${at}.flood-${at}.example`);
    const flooder: Naming = { author: 'flooder', standing: 'hosted' };
    relays.add(flood, flooder);
    expect(flood.filter((url) => relays.isNamed(url))).toHaveLength(most / 2);
    relays.add(['wss://honest.example'], someone);
    expect([...relays.tracked()]).toContain('wss://honest.example');
    for (let at = 0; at < most; at += 1)
      relays.add([`wss://${at}.many.example`], { author: `${at}`, standing: 'hosted' });
    expect(relays.isNamed(`wss://${most - 1}.many.example`)).toBe(false);
    relays.remove(flood, flooder);
    relays.remove([`wss://${most - 1}.many.example`], { author: `${most - 1}`, standing: 'hosted' });
    relays.add(['wss://late.example'], someone);
    expect(relays.isNamed('wss://late.example')).toBe(true);
  });

  it('never drops a bootstrap relay', () => {
    const relays = discovery(['wss://boot.example']);
    relays.add(['wss://boot.example'], someone);
    relays.remove(['wss://boot.example'], someone);
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
    expect(kept(parsed).relays).toEqual(['wss://a.example']);
  });

  it('excludes own service by parsed host and port, never by substring', () => {
    const relays = discovery(['wss://grasp.example']);
    expect(relays.tracked().size).toBe(0);
    const others = ['wss://grasp.example.org', 'wss://my-grasp.example', 'wss://other.example/grasp.example'];
    const parsed = parseAnnouncement(announcement('repo', ['ws://127.0.0.1:7334', ...others]));
    expect(kept(parsed).relays).toEqual(others);
  });

  it('takes only ws: and wss:', () => {
    const parsed = parseAnnouncement(
      announcement('repo', ['https://a.example', 'file:///etc/passwd', 'ws://b.example']),
    );
    expect(kept(parsed).relays).toEqual(['ws://b.example']);
  });

  it('takes the first 20 relays of one announcement, beside own service', () => {
    const urls = Array.from({ length: 150 }, (_, number) => `wss://relay-${number}.example`);
    const parsed = parseAnnouncement(announcement('repo', urls));
    expect(kept(parsed).relays).toEqual(urls.slice(0, 20));
  });

  it('stays within its limit, with the relays that most authors name, not most announcements', () => {
    const relays = discovery([], 2);
    for (const author of ['x', 'y', 'z']) relays.add(['wss://a'], { ...someone, author });
    for (const author of ['x', 'y']) relays.add(['wss://b'], { ...someone, author });
    for (let count = 0; count < 50; count += 1) relays.add(['wss://c'], someone);
    expect([...relays.tracked()].sort()).toEqual(['wss://a', 'wss://b']);
    for (const author of ['x', 'y', 'z']) relays.remove(['wss://a'], { ...someone, author });
    expect([...relays.tracked()].sort()).toEqual(['wss://b', 'wss://c']);
  });

  it('40 announcements of 100 URLs of one host take few places, and none of honest relays', () => {
    const relays = discovery([], 300);
    const honest = Array.from({ length: 300 }, (_, at) => `wss://honest-${at}.example`);
    for (const url of honest) relays.add([url], someone);
    for (let at = 0; at < 40; at += 1) {
      const urls = Array.from({ length: 100 }, (_, n) => `wss://one.example:${n + 1}/${at}?n=${n}`);
      relays.add(urls, { author: `key ${at}`, standing: 'hosted' });
    }
    const tracked = relays.tracked();
    expect(honest.filter((url) => tracked.has(url)).length).toBeGreaterThanOrEqual(
      300 - limits.syncRelaysPerHostMax,
    );
    const ofHost = [...tracked].filter((url) => url.includes('one.example'));
    expect(ofHost.length).toBeLessThanOrEqual(limits.syncRelaysPerHostMax);
  });

  it('takes so many hosts of one domain, however many keys name them, and all honest ones beside them', () => {
    const relays = discovery([], 300);
    const honest = Array.from({ length: 200 }, (_, at) => `wss://git.honest-${at}.example`);
    for (const url of honest) relays.add([url], someone);
    for (let at = 0; at < 40; at += 1) {
      const urls = Array.from({ length: 30 }, (_, n) => `wss://${n}-${at % 20}.hostile.example`);
      relays.add(urls, { author: `key ${at}`, standing: 'hosted' });
    }
    const tracked = relays.tracked();
    expect(honest.filter((url) => !tracked.has(url))).toEqual([]);
    expect([...tracked].filter((url) => url.endsWith('.hostile.example'))).toHaveLength(
      limits.syncRelaysPerDomainMax,
    );
  });

  it('takes the addresses of one IPv6 network for one host', () => {
    const relays = discovery([], 300);
    for (let at = 0; at < 40; at += 1) relays.add([`ws://[2001:db8::${at.toString(16)}]`], someone);
    expect(relays.tracked().size).toBe(limits.syncRelaysPerHostMax);
  });

  it('a relay that was connected to is not displaced by newcomers of about the same weight', () => {
    const relays = discovery([], 2);
    for (const url of ['wss://a', 'wss://b']) relays.add([url], someone);
    const isEstablished = (url: string) => url === 'wss://a' || url === 'wss://b';
    for (let key = 0; key < 88; key += 1) {
      relays.add(['wss://c', 'wss://d'], { author: `key ${key}`, standing: 'hosted' });
    }
    expect([...relays.tracked(isEstablished)].sort()).toEqual(['wss://a', 'wss://b']);
    for (let key = 88; key < 150; key += 1) {
      relays.add(['wss://c'], { author: `key ${key}`, standing: 'hosted' });
    }
    expect([...relays.tracked(isEstablished)]).toContain('wss://c');
  });

  it('relays of served repositories rank before those of archives, and these before those of strangers', () => {
    const relays = discovery([], 2);
    for (let key = 0; key < 500; key += 1) {
      relays.add(['wss://archive'], { author: `key ${key}`, standing: 'archived' });
      relays.add(['wss://stranger'], { author: `key ${key}`, standing: 'stranger' });
    }
    relays.add(['wss://hosted'], someone);
    expect([...relays.tracked()].sort()).toEqual(['wss://archive', 'wss://hosted']);
    const parsed = parseAnnouncement(announcement('repo', []));
    expect(kept(parsed).standing).toBe('hosted');
    expect(kept({ ...parsed, relays: ['wss://x'] }).standing).toBe('archived');
    expect(kept(parsed, false).standing).toBe('stranger');
  });
});

describe('one key that names relays without end (docs/sync.md §1)', () => {
  const isHonest = (url: string) => url.startsWith('wss://honest');
  /** So many honest relays, and beside them 40 announcements of one key of 100 hosts each that nobody else names. */
  function flooded(standing: Naming['standing']): Discovery {
    const relays = discovery([], 300);
    for (let at = 0; at < 300; at += 1)
      relays.add([`wss://honest-${at}.example`], { author: `author ${at}`, standing });
    for (let at = 0; at < 40; at += 1) {
      const urls = Array.from({ length: 100 }, (_, n) => `wss://${at}-${n}.io`);
      relays.add(urls, { author: 'flooder', standing: 'hosted' });
    }
    return relays;
  }

  it('has no place of relays that others name with moderation, not even before those were connected to', () => {
    expect([...flooded('hosted').tracked()].filter(isHonest).length).toBe(300);
  });

  it('63 keys that claim to be hosted leave an archive the half of its places that it needs', () => {
    const relays = discovery([], 600);
    for (let at = 0; at < 300; at += 1)
      relays.add([`wss://honest-${at}.example`], { author: `author ${at}`, standing: 'archived' });
    for (let key = 0; key < 63; key += 1) {
      const urls = Array.from({ length: limits.syncRelaysPerAuthorMax }, (_, n) => `wss://${key}-${n}.io`);
      relays.add(urls, { author: `key ${key}`, standing: 'hosted' });
    }
    expect([...relays.tracked(isHonest)].filter(isHonest).length).toBe(300);
  });

  it('has its voices back when it names fewer', () => {
    const relays = discovery([], 1);
    const many = Array.from({ length: 100 }, (_, n) => `wss://many-${n}.example`);
    const flooder: Naming = { author: 'flooder', standing: 'hosted' };
    relays.add([...many, 'wss://a'], flooder);
    relays.add(['wss://long-name'], someone);
    expect([...relays.tracked()]).toEqual(['wss://long-name']);
    relays.remove(many, flooder);
    expect([...relays.tracked()]).toEqual(['wss://a']);
  });

  it('displaces no relay of an archive either, connected or not, however it claims to be hosted', () => {
    expect([...flooded('archived').tracked()].filter(isHonest).length).toBe(300);
    expect([...flooded('archived').tracked(isHonest)].filter(isHonest).length).toBe(300);
  });
});
