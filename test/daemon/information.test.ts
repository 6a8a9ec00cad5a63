import { describe, expect, it } from 'vitest';
import { optionFlags, parseArguments } from '../../src/config/arguments.js';
import { type Options, readOptions } from '../../src/config/options.js';
import { informationOf, relayUrlOf } from '../../src/daemon/information.js';
import { ModerationLists } from '../../src/moderation/lists.js';
import { MemoryJournal } from '../../src/store/journal.js';

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
      supported_nips: [1, 9, 11, 34, 40, 42, 45, 70, 77, 86, 98],
      limitation: {
        max_subscriptions: 500,
        created_at_upper_limit: 86_400,
        auth_required: false,
        negentropy_limit: false,
      },
      supported_grasps: ['GRASP-01', 'GRASP-02'],
    });
    // As long as the project has no URL that could stand there (NIP-11).
    expect(document.software).toBe('graspd');
    expect(Object.keys(document)).not.toContain('curation');
  });

  it('says what was changed while the daemon runs, and the settings otherwise', async () => {
    const lists = await ModerationLists.load(new MemoryJournal());
    const given = options('--domain=git.example.org', '--relay-name=as set');
    await lists.setText('name', 'as changed');
    expect(informationOf(given, pubkey, lists)).toMatchObject({
      name: 'as changed',
      description: given.relayDescription,
    });
    expect(informationOf(given, pubkey, lists)).not.toHaveProperty('curation');
    await lists.setText('name', '');
    await lists.add('banned-pubkey', pubkey, { reason: '', sinceSeconds: 0 });
    expect(informationOf(given, pubkey, lists)).toMatchObject({
      name: 'as set',
      curation: expect.stringContaining('authors whose events are refused'),
    });
  });

  it.each([
    ['--domain=git.example.org', 'https://git.example.org/icon.png'],
    ['--bind-address=127.0.0.1:7000', 'http://127.0.0.1:7000/icon.png'],
    ['--relay-icon=https://example.com/other.png', 'https://example.com/other.png'],
  ])('has with %s the icon %s', (flag, icon) => {
    expect(informationOf(options(flag), pubkey)).toMatchObject({ icon });
  });

  it('says that there are lists', () => {
    const document = informationOf(options('--repository-blacklist=x'), pubkey);
    expect(document).toMatchObject({ curation: expect.stringContaining('that are refused') });
  });
});

describe('what is accepted, in the words of the NIP-11 document', () => {
  const domain = '--domain=git.example.org';
  const hosted = 'those that name git.example.org in both clone and relays are hosted';
  const named = 'Those of maintainers whom an accepted announcement names are accepted too.';
  const readOnly = 'This is a read-only archive: nobody can push.';
  const proposals =
    'Pull requests of people without a repository here can be pushed to git.example.org/prs (GRASP-06).';
  const onList = "those on the operator's archive list are archived";
  it.each([
    [[], `${hosted}. ${named}`, undefined],
    [
      ['--repository-whitelist=x'],
      `those on the operator's list that name git.example.org in both clone and relays are hosted. ${named}`,
      'that are hosted.',
    ],
    [
      ['--repository-blacklist=x'],
      `${hosted}. ${named} What the operator blocked is refused.`,
      'that are refused.',
    ],
    [['--archive-all'], `every one is archived. ${named} ${readOnly}`, undefined],
    [['--grasp06-enable'], `${hosted}. ${named} ${proposals}`, undefined],
    [
      ['--archive-all', '--grasp06-enable'],
      `every one is archived. ${named} This is a read-only archive: nobody can push to its repositories. ${proposals}`,
      undefined,
    ],
    [
      ['--archive-all', '--archive-read-only=false'],
      `${hosted}; every other one is archived. ${named}`,
      undefined,
    ],
    [['--archive-whitelist=x'], `${onList}. ${named} ${readOnly}`, 'that are archived.'],
    [
      ['--archive-whitelist=x', '--archive-read-only=false'],
      `${hosted}; ${onList}. ${named}`,
      'that are archived.',
    ],
    [
      ['--archive-grasp-services=a.example,b.example:7000'],
      `those with a clone URL at a.example or b.example:7000 are archived. ${named} ${readOnly}`,
      'GRASP services',
    ],
  ])('follows the settings %j', (args, acceptance, curation) => {
    const document = informationOf(options(domain, ...args), pubkey);
    expect(document.repo_acceptance_criteria).toBe(`Repository announcements: ${acceptance}`);
    if (curation === undefined) expect(Object.keys(document)).not.toContain('curation');
    else expect(document.curation).toContain(curation);
  });

  it.each(['--archive-all', '--archive-whitelist=x', '--archive-grasp-services=a.example'])(
    'lists GRASP-05 with %s, read-only or not',
    (flag) => {
      for (const more of [[], ['--archive-read-only=false']]) {
        const { supported_grasps: grasps } = informationOf(options(domain, flag, ...more), pubkey);
        expect(grasps).toEqual(['GRASP-01', 'GRASP-02', 'GRASP-05']);
      }
    },
  );

  it('names GRASP-06 exactly when it is on', () => {
    const graspsOf = (...args: string[]) => informationOf(options(domain, ...args), pubkey).supported_grasps;
    expect(graspsOf()).not.toContain('GRASP-06');
    expect(graspsOf('--grasp06-enable=false')).not.toContain('GRASP-06');
    expect(graspsOf('--grasp06-enable')).toEqual(['GRASP-01', 'GRASP-02', 'GRASP-06']);
    expect(graspsOf('--grasp06-enable', '--archive-all').slice(2)).toEqual(['GRASP-05', 'GRASP-06']);
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
