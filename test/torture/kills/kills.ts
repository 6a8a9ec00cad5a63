import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { randomInteger, seededRandom } from '../../../src/lib/random.js';
import type { DaemonProcess } from '../../support/daemon-process.js';
import { TestClient } from '../../support/test-client.js';
import { heldWithin } from '../finding.js';
import type { Part, PartRun } from '../part.js';
import { KilledDaemon } from './killed-daemon.js';
import { LiveSet, served } from './questions.js';
import { verifyBackup } from './verify-backup.js';

/** Data folders under kills at a time: a start computes on one core, and what follows it waits for the disk. */
const foldersAtOnce = 2;
/** After so many kills the next data folder is begun, so that rounds stay short. */
const killsPerFolder = 50;
/** Every so many rounds all is asked about, and the load comes to rest before the kill. */
const roundsPerRest = 6;
/** Every so many rounds the killed data is checked offline. */
const roundsPerCheck = 8;
/** How long the daemon may take to have all that the other relay has, and refs as events say. */
const restMsMax = 60_000;
/** Events asked about in every round, beside those of the last. */
const sampleSize = 200;

/** What is counted of a run. */
type Tally = { kills: number; events: number; pushes: number };

export const kills: Part = {
  name: 'kills',
  about: 'kills the daemon amid everything that it does',
  share: 50,
  async run(run) {
    await killOften(run, { killsMax: Number.POSITIVE_INFINITY, foldersAtOnce });
  },
};

/** Kills until the time is over, or `killsMax` is reached. */
export async function killOften(
  run: PartRun,
  { killsMax, foldersAtOnce }: { readonly killsMax: number; readonly foldersAtOnce: number },
): Promise<Tally> {
  const tally: Tally = { kills: 0, events: 0, pushes: 0 };
  const isOver = () =>
    run.signal.aborted || tally.kills >= killsMax || (tally.kills > 0 && run.timeLeft() <= 0);
  let folders = 0;
  const oneAfterTheOther = async () => {
    while (!isOver()) {
      const folder = folders++;
      await using daemon = await KilledDaemon.create(join(run.folder, String(folder)));
      // Choices of its own, so that those of the other folders do not change them.
      const random = seededRandom(run.seed + folder);
      const rounds = new Rounds({ ...run, random }, daemon, tally);
      await rounds.run(() => isOver() || rounds.kills >= killsPerFolder);
      tally.events += daemon.promised.sureCount;
      tally.pushes += daemon.pusher.count;
      run.figure('acknowledged-events', 'kills', String(tally.kills));
      run.figure('acknowledged-events', 'events', String(tally.events));
      run.figure('refs-agree', 'pushes', String(tally.pushes));
      run.progress(`${tally.kills} kills, ${tally.events} events and ${tally.pushes} pushes promised`);
    }
  };
  // One that fails does not leave the daemons of the others running behind the part.
  const ends = await Promise.allSettled(Array.from({ length: foldersAtOnce }, oneAfterTheOther));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return tally;
}

/** The rounds of one data folder: a start, what it has to have, load, and a kill. */
class Rounds {
  readonly #run: PartRun;
  readonly #killed: KilledDaemon;
  readonly #tally: Tally;
  #startMs = 1_000;
  /** Kills of this folder. */
  kills = 0;

  constructor(run: PartRun, killed: KilledDaemon, tally: Tally) {
    this.#run = run;
    this.#killed = killed;
    this.#tally = tally;
  }

  async run(isOver: () => boolean): Promise<void> {
    for (let round = 0; !isOver(); round += 1) {
      if (round % 10 === 1) await this.#killed.churn();
      await this.#killInStart(round);
      const begun = performance.now();
      await using daemon = await this.#killed.start();
      this.#startMs = performance.now() - begun;
      const isRest = round % roundsPerRest === roundsPerRest - 1;
      await this.#verify(isRest);
      await this.#loadAndKill(daemon, isRest);
      if (round % roundsPerCheck === 0) await this.#check(({ line }) => !line.includes('npub1'));
    }
    await this.#end();
  }

  /** Kills the daemon while it starts, now and then more than once. */
  async #killInStart(round: number): Promise<void> {
    const { random } = this.#run;
    while (round > 0 && randomInteger(random, 5) < 2) {
      const afterMs = randomInteger(random, Math.ceil(this.#startMs * 1.2));
      const started = await this.#killed.start(afterMs).catch(() => undefined);
      await started?.exited;
      this.#countKill();
    }
  }

  async #verify(isAll: boolean): Promise<void> {
    const { random, tried, broken } = this.#run;
    const { promised, url, fed, pusher } = this.#killed;
    await this.#verifyBans();
    const doubtful = promised.doubtful;
    const unseen = fed.filter(({ id }) => promised.eventOf(id) === undefined);
    const there = await served(url, [...doubtful, ...unseen.map(({ id }) => id)]);
    promised.resolve(there);
    for (const event of unseen) if (there.has(event.id)) promised.acknowledged(event);
    const { present, absent } = promised.expectations(Date.now() / 1_000);
    const sample = (ids: readonly string[]) =>
      isAll
        ? ids
        : [...ids.slice(-sampleSize), ...ids.filter(() => randomInteger(random, ids.length) < sampleSize)];
    const [had, not] = [sample(present), sample(absent)];
    const found = await served(url, [...had, ...not]);
    // What expires meanwhile is asked about at a time of its own.
    const still = new Set(promised.expectations(Date.now() / 1_000).present);
    tried('acknowledged-events', had.length);
    for (const id of had)
      if (!found.has(id) && still.has(id)) broken('acknowledged-events', this.#tell(id, 'is gone'));
    tried('deleted-events', not.length);
    for (const id of not) if (found.has(id)) broken('deleted-events', this.#tell(id, 'is back'));
    tried('refs-agree');
    const disagreement = await pusher.disagreement(url);
    if (disagreement !== undefined) broken('refs-agree', `${this.#killed.folder}: ${disagreement}`);
  }

  /** A start finishes the taking away of what banned authors have. */
  async #verifyBans(): Promise<void> {
    const { tried, broken, signal } = this.#run;
    const { operator, promised, url, folder } = this.#killed;
    // The socket for commands is there a moment after the port.
    const isResolved = () =>
      operator.resolveBans(signal).then(
        () => true,
        () => false,
      );
    if (!(await heldWithin(restMsMax, isResolved)))
      broken('no-input-stops', `${folder}: does not tell its bans`);
    const authors = [...operator.banned];
    if (authors.length === 0) return;
    tried('deleted-events', authors.length);
    await using client = await TestClient.connect(url);
    if (await heldWithin(restMsMax, async () => (await client.count({ authors })) === 0))
      operator.bannedAreGone(promised);
    else broken('deleted-events', `${folder}: banned authors have events`);
  }

  async #loadAndKill(daemon: DaemonProcess, isRest: boolean): Promise<void> {
    const { random, broken } = this.#run;
    const stop = new AbortController();
    const live = isRest
      ? await LiveSet.open(this.#killed.url, {
          kinds: [1621, 1617, 1111, 5],
          since: this.#killed.seconds.now,
        })
      : undefined;
    const loading = this.#killed.load(
      random,
      ({ id }) => broken('deleted-events', this.#tell(id, 'was taken again')),
      stop.signal,
    );
    // As slow as the machine is: a push takes about as long as a start.
    await sleep(50 + randomInteger(random, Math.ceil(2 * this.#startMs)));
    if (live !== undefined) {
      stop.abort();
      await loading;
      await this.#rest(live);
      await live[Symbol.asyncDispose]();
    }
    if (randomInteger(random, 4) === 0) {
      daemon.kill('SIGTERM');
      await sleep(randomInteger(random, 200));
    }
    daemon.kill('SIGKILL');
    this.#countKill();
    await daemon.exited;
    stop.abort();
    await loading;
  }

  /** Nothing is under way: what follows the events has to have followed. */
  async #rest(live: LiveSet): Promise<void> {
    const { tried, broken } = this.#run;
    const { promised, url, fed, operator, folder } = this.#killed;
    const lacking = async () => {
      const unseen = fed.filter(({ id }) => promised.eventOf(id) === undefined);
      const there = await served(
        url,
        unseen.map(({ id }) => id),
      );
      for (const event of unseen) if (there.has(event.id)) promised.acknowledged(event);
      return unseen.length - there.size;
    };
    if (!(await heldWithin(restMsMax, async () => (await lacking()) === 0)))
      broken('acknowledged-events', `${folder}: ${await lacking()} events of the other relay never came`);
    promised.resolve(await served(url, promised.doubtful));
    tried('live-sets');
    const gone = new Set(promised.expectations(Date.now() / 1_000 + 60).present);
    let differences: readonly string[] = [];
    const isSame = async () => {
      differences = await live.differences((id) => !gone.has(id));
      return differences.length === 0;
    };
    if (!(await heldWithin(10_000, isSame)))
      broken('live-sets', `${folder}: ${differences.length} differ: ${differences.slice(0, 3).join(', ')}`);
    let faults: readonly string[] = [];
    tried('refs-agree');
    const isHealthy = async () => {
      faults = await operator.faults(this.#run.signal);
      return faults.length === 0;
    };
    if (!(await heldWithin(restMsMax, isHealthy)))
      broken('refs-agree', `${folder}: ${faults.slice(0, 3).join(', ')}`);
  }

  /** Looks at the files of the killed daemon. What a start mends of repositories is left to that. */
  async #check(isFault: (report: { readonly line: string }) => boolean): Promise<void> {
    const { tried, broken } = this.#run;
    tried('index-agrees');
    const { code, said } = await this.#killed.command('check', '--json');
    const reports = said
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
    const faults = reports.filter((report) => report.isFault === true && isFault(report));
    if (faults.length > 0 || code > 1)
      broken('index-agrees', `${this.#killed.folder}: ${faults.length} faults: ${said.slice(0, 500)}`);
  }

  /** The last start: nothing is in doubt, all comes to rest, and a clean stop leaves no fault. */
  async #end(): Promise<void> {
    const { broken, tried } = this.#run;
    await using daemon = await this.#killed.start();
    await this.#verify(true);
    tried('refs-agree');
    const loss = await this.#killed.pusher.loss(this.#killed.url);
    if (loss !== undefined) broken('refs-agree', `${this.#killed.folder}: ${loss}`);
    await using live = await LiveSet.open(this.#killed.url, { since: this.#killed.seconds.now });
    await this.#rest(live);
    daemon.kill('SIGTERM');
    await daemon.exited;
    await this.#check(() => true);
    await verifyBackup(this.#run, this.#killed);
  }

  #countKill(): void {
    this.kills += 1;
    this.#tally.kills += 1;
  }

  #tell(id: string, what: string): string {
    const event = this.#killed.promised.eventOf(id);
    return `${this.#killed.folder}: event ${id}, kind ${event?.kind}, ${what} after kill ${this.kills} of this folder`;
  }
}
