import { closest, distance } from 'fastest-levenshtein';
import { optionEntries } from '../schema.js';
import { configFile, type Environment } from './option-sources.js';

/** Variables of ngit-grasp that have no counterpart: what they set works here by itself, or is not there. */
const ofNgitGrasp = new Set([
  'NGIT_METRICS_CONNECTION_PER_IP_ABUSE_THRESHOLD',
  'NGIT_METRICS_TOP_N_REPOS',
  'NGIT_NAUGHTY_LIST_EXPIRATION_HOURS',
  'NGIT_SYNC_DISCONNECT_CHECK_INTERVAL_SECS',
]);

/** From so many letters on that are different, a name is not meant to be another. */
const lettersOffMax = 6;

/** Variables that begin as ours do and set nothing. */
export type UnknownVariables = {
  /** Those that ngit-grasp knows. */
  readonly ofNgitGrasp: readonly string[];
  readonly misspelt: readonly {
    readonly variable: string;
    /** The nearest name that there is, where one is near. */
    readonly meant: string | undefined;
  }[];
};

/** The `NGIT_*` variables of an environment that are no option's. */
export function unknownVariables(environment: Environment): UnknownVariables {
  const ours = optionEntries.flatMap(({ variable, otherVariable = variable }) => [variable, otherVariable]);
  const known = [...ours, configFile.variable];
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith('NGIT_') && !known.includes(name),
  );
  return {
    ofNgitGrasp: unknown.filter((name) => ofNgitGrasp.has(name)),
    misspelt: unknown
      .filter((name) => !ofNgitGrasp.has(name))
      .map((variable) => ({ variable, meant: nearest(variable, known) })),
  };
}

function nearest(variable: string, known: readonly string[]): string | undefined {
  const near = closest(variable, known);
  return distance(variable, near) < lettersOffMax ? near : undefined;
}
