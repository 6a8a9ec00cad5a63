import { type Options, optionsOf } from '../../config/options.js';
import { type OptionEntry, optionEntries } from '../../config/schema.js';
import type { GivenValues } from '../../config/sources/option-sources.js';

/** What reading the settings anew comes to. */
export type OptionChanges = {
  /** What is to hold from now on: with the values of the start for options that only a new start changes. */
  readonly options: Options;
  /** The options that change at once, as flags. */
  readonly changed: readonly string[];
  /** Those that differ, and wait for a new start. */
  readonly needRestart: readonly string[];
};

/**
 * What changes when these values are given in the place of those of the start; throws `OptionsError` where a new start with
 * them would.
 */
export function optionChanges(now: Options, started: GivenValues, given: GivenValues): OptionChanges {
  const wanted = optionsOf(given);
  const options = optionsOf(
    new Map(
      optionEntries.flatMap(({ key, changes }) => {
        const value = (changes === 'live' ? given : started).get(key);
        return value === undefined ? [] : [[key, value] as const];
      }),
    ),
  );
  return {
    options,
    changed: differing(now, options, 'live'),
    needRestart: differing(options, wanted, 'restart'),
  };
}

function differing(before: Options, after: Options, changes: OptionEntry['changes']): string[] {
  return optionEntries
    .filter((entry) => entry.changes === changes && textOf(before, entry) !== textOf(after, entry))
    .map(({ flag, variable }) => (flag === undefined ? variable : `--${flag}`));
}

function textOf(options: Options, { key }: OptionEntry): string | undefined {
  // What this one stands for is all that is left of it.
  return JSON.stringify(key === 'test' ? options.syncBatchWindowMs : options[key]);
}
