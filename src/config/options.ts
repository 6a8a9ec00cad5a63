import { availableParallelism } from 'node:os';
import type { z } from 'zod';
import { formatBindAddress, isLoopback, isLoopbackDomain } from './host.js';
import { OptionsError } from './options-error.js';
import { type OptionEntry, optionEntries, optionsSchema } from './schema.js';
import {
  type GivenValue,
  type GivenValues,
  gatherValues,
  type OptionSources,
} from './sources/option-sources.js';
import { splitList } from './value-kinds.js';

type ParsedOptions = z.output<typeof optionsSchema>;

/** Options that the schema leaves open and that follow from others when they are not given. */
type DerivedKey =
  | 'addressEventsPerMinute'
  | 'domain'
  | 'relayName'
  | 'archiveReadOnly'
  | 'syncAllowPrivateRelays'
  | 'verifyWorkers';

/** All options of the daemon, checked, with every default filled in. Units are in the names. */
export type Options = Readonly<
  Omit<ParsedOptions, DerivedKey | 'test'> & {
    [Key in DerivedKey]: NonNullable<ParsedOptions[Key]>;
  } & {
    /** The window in which new repositories and roots are gathered before filters are built from them. */
    syncBatchWindowMs: number;
  }
>;

const batchWindowMs = 5_000;
const batchWindowTestMs = 200;

/**
 * Reads all options: flag before environment before config file before default. Throws `OptionsError`, whose
 * message is one line that names the setting and what it takes.
 */
export function readOptions(sources: OptionSources): Options {
  return optionsOf(gatherValues(sources));
}

/** The options of which these values are given; throws as `readOptions` does. */
export function optionsOf(given: GivenValues): Options {
  const raw = Object.fromEntries([...given].map(([key, value]) => [key, value.raw]));
  const result = optionsSchema.safeParse(raw);
  if (!result.success) throw wrongValue(given, result.error.issues[0]?.path ?? []);
  checkCombinations(result.data);
  return fillIn(result.data);
}

function wrongValue(given: GivenValues, path: readonly PropertyKey[]): OptionsError {
  const [key, index] = path;
  const entry = optionEntries.find((candidate) => candidate.key === key) as OptionEntry;
  const { name, raw } = given.get(entry.key) as GivenValue;
  if (entry.isSecret) return new OptionsError(`${name} takes ${entry.takes}`);
  const value = typeof index === 'number' ? splitList(raw)[index] : raw;
  return new OptionsError(`${name} takes ${entry.takes}, not ${quote(String(value))}`);
}

/** A value as it may stand in a line: not too long. */
function quote(value: string): string {
  return value.length > 100 ? `'${value.slice(0, 100)}…'` : `'${value}'`;
}

function isArchive(options: Omit<ParsedOptions, 'test'>): boolean {
  return options.archiveAll || options.archiveWhitelist.length > 0 || options.archiveGraspServices.length > 0;
}

/** The combinations that contradict themselves (docs/configuration.md lists them). */
function checkCombinations(options: ParsedOptions): void {
  if (options.archiveGraspServices.length > 0 && options.archiveAll) {
    throw new OptionsError('--archive-grasp-services cannot be set together with --archive-all');
  }
  if (options.archiveGraspServices.length > 0 && options.archiveWhitelist.length > 0) {
    throw new OptionsError('--archive-grasp-services cannot be set together with --archive-whitelist');
  }
  if (options.archiveReadOnly === true && !isArchive(options)) {
    throw new OptionsError(
      '--archive-read-only takes one of --archive-all, --archive-whitelist or --archive-grasp-services beside it',
    );
  }
  if (options.repositoryWhitelist.length > 0 && (options.archiveReadOnly ?? isArchive(options))) {
    throw new OptionsError(
      '--repository-whitelist cannot be set for a read-only archive; --archive-read-only=false lets it host too',
    );
  }
  if (options.databaseBackend === 'postgresql' && options.databaseUrl === undefined) {
    throw new OptionsError(
      '--database-backend postgresql takes --database-url (NGIT_DATABASE_URL) beside it',
    );
  }
  if (options.nodeUrl !== undefined && options.databaseBackend !== 'postgresql') {
    throw new OptionsError('--node-url (NGIT_NODE_URL) takes --database-backend postgresql beside it');
  }
  if (options.syncMaxBackoffSecs < options.syncBaseBackoffSecs) {
    throw new OptionsError('--sync-max-backoff-secs takes a number not below --sync-base-backoff-secs');
  }
}

function fillIn({ test, ...options }: ParsedOptions): Options {
  const loopback = isLoopback(options.bindAddress.host);
  if (options.domain === undefined && !loopback) {
    throw new OptionsError(
      '--domain (NGIT_DOMAIN) is required when --bind-address is not loopback: it takes a host name, or host:port',
    );
  }
  const domain = options.domain ?? formatBindAddress(options.bindAddress);
  return {
    ...options,
    domain,
    relayName: options.relayName ?? `${domain} grasp relay`,
    archiveReadOnly: options.archiveReadOnly ?? isArchive(options),
    // Behind a reverse proxy the address is loopback and the domain is not: then strangers write the relay URLs.
    syncAllowPrivateRelays: options.syncAllowPrivateRelays ?? (loopback && isLoopbackDomain(domain)),
    addressEventsPerMinute: options.addressEventsPerMinute ?? 10 * options.clientEventsPerMinute,
    verifyWorkers: options.verifyWorkers ?? Math.max(1, availableParallelism() - 1),
    syncBatchWindowMs: test ? batchWindowTestMs : batchWindowMs,
  };
}
