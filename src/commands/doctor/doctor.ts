import { resolve } from 'node:path';
import { Registry } from 'prom-client';
import { type ClosingParts, ClosingRefusedError, countClosing, isExpected } from '../../alignment/closing.js';
import { compare, type DoctorParts, type Finding, isFault, repair } from '../../alignment/doctor.js';
import { limits } from '../../config/limits.js';
import type { Options } from '../../config/options.js';
import { openStore } from '../../daemon/core.js';
import { changedSince } from '../../daemon/serving-record.js';
import { heldSettingsOf, servingRulesOf } from '../../daemon/settings.js';
import { BareRepositories } from '../../git/bare-repositories.js';
import { GitRunner } from '../../git/git-runner.js';
import { systemClock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import { measureShared } from '../../maintenance/shared-files.js';
import { npubOf } from '../../nostr/keys.js';
import { Purgatory } from '../../purgatory/purgatory.js';
import { PurgatoryMetrics } from '../../purgatory/purgatory-metrics.js';
import { RepositoryDirectory } from '../../repositories/repository-directory.js';
import { RepositoryServing } from '../../repositories/serving.js';
import type { Journal } from '../../store/journal.js';
import { acceptClosingFlag, acceptedClosing } from '../accept-closing.js';
import type { Command, Invocation } from '../command.js';
import { existingStoreOptions } from '../store-options.js';
import { examineFiles, faultsSaidTo, readAllEvents, sayLosses, type Tally } from './doctor-events.js';

const bytesPerMegabyte = 1_000_000;

/** Reads all stored events, and compares repositories on disk with them; the daemon must not run meanwhile, for it has the store open. */
export const doctor: Command = {
  name: 'doctor',
  summary:
    'Read all stored events, compare repositories on disk with them, and report what is damaged or differs',
  details:
    'The exit code is 0 when no fault is found, or none is left after --fix, else 1. Stop the daemon first.',
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [
    {
      name: 'fix',
      placeholder: undefined,
      about: 'Repair what is reported; a repository too many is closed, and goes after its grace period',
      isSwitch: true,
      isList: false,
    },
    acceptClosingFlag,
  ],
  takesOptions: true,
  async run(invocation) {
    const options = existingStoreOptions(invocation, 'doctor');
    const isToFix = invocation.flags.get('fix') === 'true';
    const accepted = acceptedClosing(invocation);
    const tally: Tally = { faults: 0, repaired: 0 };
    const faults = faultsSaidTo(invocation.stdout, tally, isToFix);
    await examineFiles(options, isToFix, tally, invocation);
    const {
      store: opened,
      journal,
      losses,
    } = await openStore(options, systemClock, {
      ...faults,
      readsWholeLog: true,
    });
    await using store = opened;
    sayLosses(invocation.stdout, tally, losses);
    await readAllEvents(store, invocation.signal);
    const directory = new RepositoryDirectory(new RepositoryServing(servingRulesOf(options)));
    await directory.load(store);
    const purgatory = await loadHeld(options, journal, directory);
    const git = new GitRunner(systemClock, invocation.signal);
    const repositories = new BareRepositories(resolve(options.gitDataPath), git);
    if (isToFix) await checkClosing(options, { directory, repositories }, accepted);
    return await examine({ store, directory, purgatory, git, repositories }, isToFix, tally, invocation);
  },
};

/** What waits for git data: it has repositories too. What expired since the daemon ran has none any more. */
async function loadHeld(
  options: Options,
  journal: Journal,
  directory: RepositoryDirectory,
): Promise<Purgatory> {
  const purgatory = new Purgatory({
    journal,
    clock: systemClock,
    settings: heldSettingsOf(options),
    metrics: new PurgatoryMetrics(new Registry()),
    listener: directory,
  });
  await purgatory.load();
  for (const { event } of purgatory.due()) directory.onReleased(event);
  return purgatory;
}

/** Reports, and repairs when asked to; answers the exit code: 0 when no fault is left. */
async function examine(
  parts: DoctorParts,
  isToFix: boolean,
  tally: Tally,
  { stdout, signal }: Invocation,
): Promise<number> {
  for await (const finding of compare(parts)) {
    signal.throwIfAborted();
    stdout.write(`${lineOf(finding)}\n`);
    if (!isFault(finding)) continue;
    tally.faults += 1;
    if (!isToFix) continue;
    const outcome = await tryRepair(parts, finding);
    if (outcome === 'repaired') tally.repaired += 1;
    stdout.write(`  ${outcome}\n`);
  }
  const sharedBytes = await measureShared(parts.repositories, signal);
  if (sharedBytes > 0) {
    const megabytes = (sharedBytes / bytesPerMegabyte).toFixed(1);
    stdout.write(
      `shared     ${megabytes} MB are saved by packs that several repositories have in one file\n`,
    );
  }
  const { faults, repaired } = tally;
  stdout.write(faults === 0 ? 'no faults\n' : `faults: ${faults}, repaired: ${repaired}\n`);
  return faults === repaired ? 0 : 1;
}

/** Closes nothing that the settings do not admit by mistake: above a few it has to be said. */
async function checkClosing(options: Options, parts: ClosingParts, accepted: number): Promise<void> {
  const closing = await countClosing(parts);
  if (isExpected(closing, accepted)) return;
  const changed = await changedSince(resolve(options.gitDataPath), options);
  throw new ClosingRefusedError(closing, changed ?? 'no setting changed since the last start of the daemon');
}

async function tryRepair(parts: DoctorParts, finding: Finding): Promise<string> {
  try {
    return (await repair(parts, finding, systemClock.now())) ? 'repaired' : 'cannot be repaired from here';
  } catch (error) {
    return `not repaired: ${errorMessage(error)}`;
  }
}

function lineOf(finding: Finding): string {
  const { pubkey, identifier } = finding.repository;
  return printable(
    `${finding.type.padEnd(10)} ${npubOf(pubkey)}/${identifier} ${detailsOf(finding)}`.trimEnd(),
  );
}

function detailsOf(finding: Finding): string {
  switch (finding.type) {
    case 'missing':
    case 'extra':
      return '';
    case 'misaligned': {
      const { changes, head } = finding.misalignment;
      const names = changes.map(({ type, name }) => `${type} ${name}`);
      return listed(head === undefined ? names : [...names, `HEAD to ${head}`]);
    }
    case 'stray':
      return listed([...finding.refs.keys()]);
    case 'waiting':
      return listed(finding.refs);
    case 'unset':
      return listed(finding.settings);
    case 'unreadable':
      return finding.reason;
    case 'shut':
      return `${sinceWhen(finding.sinceMs)}, though it is served`;
    case 'closed':
      return sinceWhen(finding.sinceMs);
  }
}

/** A mark that cannot be read, or was tampered with, may name a time that no date has. */
function sinceWhen(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'since a time that cannot be read' : `since ${date.toISOString()}`;
}

function listed(names: readonly string[]): string {
  const more = names.length - limits.doctorNamesMax;
  const first = names.slice(0, limits.doctorNamesMax).join(', ');
  return more > 0 ? `${first} and ${more} more` : first;
}

/** Names come from events: what would steer the terminal is left out. */
function printable(line: string): string {
  return line.replaceAll(/\p{C}/gu, '\u{fffd}');
}
