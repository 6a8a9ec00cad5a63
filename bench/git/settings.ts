import { parseArgs } from 'node:util';

/** What one run of the bench measures. */
export type GitBenchSettings = {
  /** Names of the scenarios to run; empty for all. */
  readonly scenarios: readonly string[];
  /** Size of the large repository, in megabytes. */
  readonly megabytes: number;
  /** Refs of the repository whose list of refs is asked for. */
  readonly refs: number;
  /** Times that each is measured, by turns. */
  readonly rounds: number;
  /** Clones at once. */
  readonly clones: number;
  /** Small repositories that are fetched from another server. */
  readonly repositories: number;
  /** How long two daemons are pushed to by turns. */
  readonly seconds: number;
  readonly json: string | undefined;
};

export const usage = `npm run bench:git -- [options]

  --scenario A,B  only these
  --megabytes N   size of the large repository (100)
  --refs N        refs of the repository whose refs are listed (1,000)
  --rounds N      times that each is measured, by turns (5)
  --clones N      clones at once (20)
  --repositories N
                  small repositories that are fetched from another server (1,000)
  --seconds N     how long two daemons are pushed to by turns (60)
  --json FILE     write the figures there too
`;

/** Reads the command line; `undefined` when help was asked for. Throws an error with a line for whoever wrote it. */
export function readSettings(args: readonly string[]): GitBenchSettings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string', default: '' },
      megabytes: { type: 'string', default: '100' },
      refs: { type: 'string', default: '1000' },
      rounds: { type: 'string', default: '5' },
      clones: { type: 'string', default: '20' },
      repositories: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '60' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
  if (values.help) return undefined;
  return {
    scenarios: values.scenario.split(',').filter((name) => name !== ''),
    megabytes: wholeNumber('megabytes', values.megabytes),
    refs: wholeNumber('refs', values.refs),
    rounds: wholeNumber('rounds', values.rounds),
    clones: wholeNumber('clones', values.clones),
    repositories: wholeNumber('repositories', values.repositories),
    seconds: wholeNumber('seconds', values.seconds),
    json: values.json,
  };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text.replaceAll(/[_,]/g, ''));
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} takes a whole number above 0`);
  return value;
}
