import { describe, expect, it } from 'vitest';
import { optionFlags, parseArguments } from '../../src/config/arguments.js';
import { type Options, readOptions } from '../../src/config/options.js';
import { informationOf, relayUrlOf } from '../../src/daemon/information.js';

const pubkey = 'a'.repeat(64);

function options(...args: string[]): Options {
  const { flags } = parseArguments(args, optionFlags);
  return readOptions({ flags, environment: {}, readFile: () => '' });
}

describe('the NIP-11 document', () => {
  it('has the names, the numbers that hold, and nothing that is not', () => {
    const document = informationOf(options('--domain=git.example.org'), pubkey);
    expect(document).toMatchObject({
      name: 'git.example.org grasp relay',
      pubkey,
      supported_nips: [1, 9, 11, 34, 40, 42, 45, 70, 77],
      limitation: {
        max_subscriptions: 500,
        created_at_upper_limit: 86_400,
        auth_required: false,
        negentropy_limit: false,
      },
      supported_grasps: ['GRASP-01', 'GRASP-02'],
    });
    // A project without a URL has no `software` (NIP-11).
    expect(document.software ?? 'https://').toMatch(/^https:\/\//);
    expect(Object.keys(document)).not.toContain('icon');
    expect(Object.keys(document)).not.toContain('curation');
  });

  it('has the icon of the operator, and says that there are lists', () => {
    const icon = 'https://git.example.org/icon.png';
    const document = informationOf(options(`--relay-icon=${icon}`, '--repository-blacklist=x'), pubkey);
    expect(document).toMatchObject({ icon, curation: expect.stringContaining('lists') });
  });
});

describe('where clients reach the relay', () => {
  it.each([
    [['--domain=git.example.org'], 'wss://git.example.org'],
    [['--domain=git.example.org:8443'], 'wss://git.example.org:8443'],
    [['--domain=localhost:7334'], 'ws://localhost:7334'],
    [['--bind-address=[::1]:80'], 'ws://[::1]:80'],
    [[], 'ws://127.0.0.1:7334'],
  ])('%j: %s', (args, url) => {
    expect(relayUrlOf(options(...args))).toBe(url);
  });
});
