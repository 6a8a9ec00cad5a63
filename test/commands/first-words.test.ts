import { describe, expect, it } from 'vitest';
import { firstWords } from '../../src/commands/first-words.js';
import { optionFlags, parseArguments } from '../../src/config/arguments.js';
import { readOptions } from '../../src/config/options.js';
import type { OwnerKey } from '../../src/daemon/owner-key.js';
import { npubOf } from '../../src/nostr/keys.js';
import { testIdentity } from '../support/events.js';

const identity = testIdentity(1);

function words(args: readonly string[], origin: OwnerKey['origin'] = 'file'): string {
  const { flags } = parseArguments(args, optionFlags);
  const options = readOptions({ flags, environment: {}, readFile: () => '' });
  return firstWords(options, {
    address: options.bindAddress,
    owner: { identity, origin },
    eventsAtStart: 12,
    signatures: 'a library',
  });
}

describe('what a person at a terminal is told after the start', () => {
  it('is what this is, where it is reached, what it keeps where, whose it is, and where it syncs from', () => {
    const told = words([
      '--bind-address=127.0.0.1:7777',
      '--sync-bootstrap-relay-url=wss://relay.example.org',
    ]);
    for (const part of [
      /graspd \d.*GRASP-01, GRASP-02/,
      'ws://127.0.0.1:7777',
      'http://127.0.0.1:7777/status',
      'http://127.0.0.1:7777/metrics',
      './data/relay (12 stored)',
      './data/git',
      `${npubOf(identity.pubkey)} (from .relay-owner.nsec)`,
      'a library',
      'wss://relay.example.org and the relays that stored announcements name',
    ]) {
      expect(told).toMatch(part);
    }
  });

  it('is where it listens, when the world knows it by another name', () => {
    expect(words(['--domain=git.example.org'])).toContain(
      'wss://git.example.org, listening at 127.0.0.1:7334',
    );
  });

  it('is how to begin with a relay, when none is set, and where the secret of a new key is', () => {
    const told = words([], 'made');
    expect(told).toContain('--sync-bootstrap-relay-url wss://');
    expect(told).toContain('made now, its secret is in .relay-owner.nsec');
  });

  it('says that what is kept in memory goes with the process', () => {
    expect(words(['--database-backend=memory'])).toContain('in memory, gone with the process');
  });
});
