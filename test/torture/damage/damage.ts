import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomInteger } from '../../../src/lib/random.js';
import { DaemonProcess } from '../../support/daemon-process.js';
import { type Ended, runCommand } from '../../support/run-command.js';
import { TestClient } from '../../support/test-client.js';
import type { Part, PartRun } from '../part.js';
import { Ledger } from '../power/ledger.js';
import { domain, flags, Load } from '../power/load.js';
import { damages } from './damages.js';

const loadMs = 4_000;
/** How long a start or a repair of so little may take, on a busy machine. */
const patienceMs = 60_000;
const idsAtOnce = 200;

export const damage: Part = {
  name: 'damage',
  about: 'each file of the data folders in turn is cut, changed, emptied, removed or replaced',
  share: 8,
  run: (run) => damageOften(run, { loadMs, countMax: Number.POSITIVE_INFINITY, isWanted: () => true }),
};

export type DamagePlan = {
  readonly loadMs: number;
  readonly countMax: number;
  /** Which files are damaged, by their path below the working directory of the daemon. */
  readonly isWanted: (path: string) => boolean;
};

type DamageRun = Pick<PartRun, 'random' | 'folder' | 'signal' | 'timeLeft' | 'tried' | 'broken' | 'progress'>;

/** Damages one file after the other, of a daemon that was stopped and one that was killed, until the time is over. */
export async function damageOften(run: DamageRun, { loadMs, countMax, isWanted }: DamagePlan): Promise<void> {
  const { random, folder, signal } = run;
  let count = 0;
  for (let round = 0; count < countMax && (round === 0 || run.timeLeft() > 0); round += 1) {
    const whole = join(folder, `whole-${round}`);
    await mkdir(join(whole, 'backups'), { recursive: true });
    const ledger = new Ledger();
    await using load = new Load(random, () => ledger);
    await work(whole, load, loadMs, round % 2 === 0 ? 'SIGTERM' : 'SIGKILL');
    const cases = (await filesBelow(whole))
      .filter((path) => !path.startsWith('backups/') && isWanted(path))
      .flatMap((path) => Object.keys(damages).map((name) => ({ path, name })));
    for (; cases.length > 0 && count < countMax; count += 1) {
      if (signal.aborted || (count > 0 && run.timeLeft() < 0)) return;
      const [{ path, name }] = cases.splice(randomInteger(random, cases.length), 1) as [
        (typeof cases)[number],
      ];
      const damaged = join(folder, 'damaged');
      await cp(whole, damaged, { recursive: true });
      await damages[name]!(join(damaged, path), random);
      let isBroken = false;
      await examine(damaged, ledger, join(folder, 'started'), (how) => {
        isBroken = true;
        run.broken('damaged-files', `${path} ${name}: ${how}`);
      });
      run.tried('damaged-files');
      if (isBroken)
        await cp(damaged, join(folder, `broken-${count}`), { recursive: true, verbatimSymlinks: true });
      await rm(damaged, { recursive: true, force: true });
    }
    run.progress(`${count} damages`);
    await rm(whole, { recursive: true, force: true });
  }
}

async function work(directory: string, load: Load, ms: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  await using daemon = await DaemonProcess.start({ directory, flags });
  const until = performance.now() + ms;
  await load.run(daemon, { PATH: process.env.PATH ?? '' }, () => performance.now() > until);
  daemon.kill(signal);
  await daemon.exited;
}

type Broken = (how: string) => void;

/** Starts graspd with a copy of a damaged folder; repairs it, checks it, and starts graspd with it. */
async function examine(damaged: string, ledger: Ledger, copy: string, broken: Broken): Promise<void> {
  await cp(damaged, copy, { recursive: true, verbatimSymlinks: true });
  const start = await served(copy, ledger);
  if (start === 'hangs') broken('the start hangs');
  else if (typeof start === 'string') {
    if (!/^graspd: .{20,}/m.test(start) || /\n\s+at /.test(start))
      broken(`the start says no clear line: ${start}`);
  } else {
    judge(start, ledger, 'a start', broken);
    if (start.lost > 0 && !start.isTold) broken(`a start loses ${start.lost} events and does not say so`);
  }
  await rm(copy, { recursive: true, force: true });
  const said = await within(runCommand({ directory: damaged }, 'repair', '--domain', domain));
  if (said === undefined) {
    broken('repair hangs');
    return;
  }
  if (said.code !== 0) {
    // Nothing is left that could be told from a folder that never had data.
    if (!/^graspd: .{20,}/m.test(said.stderr))
      broken(`repair ends with ${said.code}: ${said.stdout}${said.stderr}`);
  }
  const checked = await within(runCommand({ directory: damaged }, 'check', '--domain', domain));
  if (checked === undefined || checked.code !== 0)
    broken(
      `check after repair: ${checked?.stdout}${checked?.stderr}; repair said ${said.stdout}${said.stderr}`,
    );
  const again = await served(damaged, ledger);
  if (again === 'hangs' || typeof again === 'string') {
    // The key is the operator's: it is not made anew.
    if (!again.includes('.relay-owner.nsec')) broken(`no start after repair: ${again}`);
    return;
  }
  judge(again, ledger, 'after repair', broken);
  if (again.lost > 0 && !/lost|kept {7}/.test(said.stdout))
    broken(`repair loses ${again.lost} events and says ${said.stdout}`);
}

type Served = {
  readonly lost: number;
  readonly returned: readonly string[];
  readonly changed: readonly string[];
  /** Whether the log has a warning or an error. */
  readonly isTold: boolean;
};

function judge({ returned, changed }: Served, _: Ledger, when: string, broken: Broken): void {
  for (const id of changed) broken(`${when} event ${id} is another one`);
  for (const id of returned) broken(`${when} event ${id} is there again`);
}

/** What graspd serves of what was promised; its words where it does not start. */
async function served(directory: string, ledger: Ledger): Promise<Served | string> {
  const starting = DaemonProcess.start({ directory, flags }).catch((error: Error) => error.message);
  const daemon = await within(starting);
  if (daemon === undefined) {
    void starting.then((late) => (typeof late === 'string' ? undefined : late[Symbol.asyncDispose]()));
    return 'hangs';
  }
  if (typeof daemon === 'string') return daemon;
  await using _ = daemon;
  await using client = await TestClient.connect(daemon.url);
  const { there, gone } = ledger.expected();
  const ids = [...ledger.events.keys()];
  const found = new Map<string, string>();
  for (let from = 0; from < ids.length; from += idsAtOnce) {
    const some = { ids: ids.slice(from, from + idsAtOnce), limit: idsAtOnce };
    for (const { id, sig } of await client.query(some)) found.set(id, sig);
  }
  return {
    lost: [...there].filter((id) => !found.has(id)).length,
    returned: [...gone].filter((id) => found.has(id)),
    changed: [...found].filter(([id, sig]) => ledger.events.get(id)?.event.sig !== sig).map(([id]) => id),
    isTold: daemon.log.some(({ level }) => level === 'warn' || level === 'error'),
  };
}

async function within<T extends Ended | DaemonProcess | string>(work: Promise<T>): Promise<T | undefined> {
  const patience = new AbortController();
  const late = sleep(patienceMs, undefined, { signal: patience.signal }).catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    patience.abort();
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
}
