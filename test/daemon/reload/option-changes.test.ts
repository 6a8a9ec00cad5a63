import { describe, expect, it } from 'vitest';
import { optionsOf } from '../../../src/config/options.js';
import { optionEntries } from '../../../src/config/schema.js';
import type { GivenValues } from '../../../src/config/sources/option-sources.js';
import type { RawValue } from '../../../src/config/value-kinds.js';
import { optionChanges } from '../../../src/daemon/reload/option-changes.js';

/** What a config file gives, by key of the option. */
function given(values: Readonly<Record<string, RawValue>>): GivenValues {
  return new Map(
    optionEntries.flatMap(({ key, flag }) => {
      const raw = values[key];
      return raw === undefined ? [] : [[key, { raw, name: `'${flag}'` }] as const];
    }),
  );
}

function changes(before: Parameters<typeof given>[0], after: Parameters<typeof given>[0]) {
  return optionChanges(optionsOf(given(before)), given(before), given(after));
}

describe('what changes when settings are read anew', () => {
  it('is what differs, by what it takes: at once or at the next start, for which it keeps its value', () => {
    const { options, changed, needRestart } = changes(
      { relayName: 'a', keyEvents: '5', gitDataPath: 'x' },
      { relayName: 'b', keyEvents: '05', gitDataPath: 'y', domain: 'localhost:99' },
    );
    expect(changed).toEqual(['--relay-name']);
    expect(needRestart).toEqual(['--domain', '--git-data-path']);
    expect(options).toMatchObject({ relayName: 'b', gitDataPath: 'x', domain: '127.0.0.1:7334' });
  });

  it('is what follows from another option too', () => {
    const { options, changed } = changes({}, { clientEventsPerMinute: '7', archiveAll: 'true' });
    expect(changed).toEqual([
      '--client-events-per-minute',
      '--address-events-per-minute',
      '--archive-all',
      '--archive-read-only',
    ]);
    expect(options).toMatchObject({ addressEventsPerMinute: 70, archiveReadOnly: true });
  });

  it('is nothing where the same is said in other words, and nothing again where it is taken back', () => {
    expect(changes({ archiveAll: 'yes' }, { archiveAll: 'true' })).toMatchObject({
      changed: [],
      needRestart: [],
    });
    const before = given({ verifyWorkers: '2' });
    const { options } = optionChanges(optionsOf(before), before, given({ verifyWorkers: '3' }));
    expect(optionChanges(options, before, before)).toMatchObject({ changed: [], needRestart: [] });
  });

  it('names what is set in the environment only by its variable', () => {
    expect(changes({}, { test: '1' }).needRestart).toEqual(['NGIT_TEST']);
  });

  it.each([
    [{ keyEvents: 'many' }, "'key-events' takes a whole number"],
    [{ domain: 'a b' }, "'domain' takes a host name"],
    [{ archiveAll: 'true', archiveGraspServices: 'a.example' }, '--archive-grasp-services cannot be set'],
    [{ bindAddress: '0.0.0.0:80' }, '--domain (NGIT_DOMAIN) is required'],
  ])('is refused where a start would be, also for what waits for a start: %j', (after, why) => {
    expect(() => changes({}, after)).toThrow(why);
  });
});
