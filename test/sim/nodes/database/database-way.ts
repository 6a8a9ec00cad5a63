import { limits } from '../../../../src/config/limits.js';
import { type Deferred, deferred, onAbort } from '../../../../src/lib/abort.js';
import type { Clock } from '../../../../src/lib/clock.js';
import type { Random } from '../../../../src/lib/random.js';
import type { Connect, Database, Query, Row, Transaction } from '../../../../src/store/postgres/database.js';
import { between, chance } from '../../random.js';
import type { NodeClock } from '../node/node-clock.js';
import type { SharedDatabase } from './shared-database.js';
import { runStatement } from './statements.js';
import { Tables } from './tables.js';

/** What becomes of a statement on a way that is open. */
export type StatementFaults = {
  /** It fails, and took no effect. */
  readonly failChance: number;
  /** It took effect, and its answer is lost. */
  readonly lossChance: number;
  /** It is given up as lost, and takes effect long after: what was sent before a partition may arrive behind it. */
  readonly lateChance: number;
};

export const noStatementFaults: StatementFaults = { failChance: 0, lossChance: 0, lateChance: 0 };

/** `refused`: whoever sends is told so. `silent`: nobody is told anything. */
export type WayState = 'open' | 'refused' | 'silent';

export type DatabaseWayParts = {
  readonly database: SharedDatabase;
  readonly world: Clock;
  readonly random: Random;
};

const latencyMsMax = 6;
const lateMsMax = 60_000;

/** The way of one node to the database, whichever of its processes goes it. */
export class DatabaseWay {
  readonly parts: DatabaseWayParts;
  state: WayState = 'open';
  faults = noStatementFaults;
  /** Statements that failed, as the node was told; and those that took effect after they were given up. */
  failures = 0;
  late = 0;

  constructor(parts: DatabaseWayParts) {
    this.parts = parts;
  }

  get isOpen(): boolean {
    return this.state === 'open' && this.parts.database.isUp;
  }

  /** For a process with that clock. */
  connectFor(clock: NodeClock): Connect {
    return async (_, connectionsMax = limits.databaseConnectionsMax) =>
      new Connections(this, clock, connectionsMax);
  }
}

/** A few connections of one process. */
class Connections implements Database {
  readonly #way: DatabaseWay;
  readonly #clock: NodeClock;
  readonly #waiting: Deferred<void>[] = [];
  readonly #connectionsMax: number;
  readonly #idle = deferred<void>();
  #free: number;
  #isOver = false;

  constructor(way: DatabaseWay, clock: NodeClock, connectionsMax: number) {
    this.#way = way;
    this.#clock = clock;
    this.#connectionsMax = connectionsMax;
    this.#free = connectionsMax;
  }

  readonly query: Query = async (text, values = [], answerMsMax) => {
    await this.#take();
    try {
      return await this.#ask(() => this.#way.parts.database.run(text, values), true, answerMsMax);
    } finally {
      this.#release();
    }
  };

  async begin(): Promise<Transaction> {
    await this.#take();
    let seen: Tables | undefined;
    let isOver = false;
    const end: Transaction['end'] = async () => {
      if (isOver) return;
      isOver = true;
      this.#release();
    };
    const ask = async (run: () => readonly Row[]) => {
      try {
        return await this.#ask(run, false);
      } catch (error) {
        await end('ROLLBACK');
        throw error;
      }
    };
    await ask(() => []);
    const query: Query = async (text, values = []) => {
      if (isOver) throw passing('ECONNRESET', 'the connection of the transaction is gone');
      return await ask(() => {
        const { database, world } = this.#way.parts;
        // What is seen is settled by the first statement that reads.
        seen ??= new Tables(database.tables);
        return runStatement(seen, text, values, world.monotonic());
      });
    };
    return { query, end };
  }

  /** As with `pg`, what is under way is waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    if (this.#free < this.#connectionsMax) await this.#idle.promise;
  }

  async #take(): Promise<void> {
    if (this.#isOver) throw passing('', 'Cannot use a pool after calling end on the pool');
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    const turn = deferred<void>();
    this.#waiting.push(turn);
    const cancel = this.#clock.after(limits.databaseConnectMsMax, () => {
      this.#waiting.splice(this.#waiting.indexOf(turn), 1);
      turn.reject(passing('', 'timeout exceeded when trying to connect'));
    });
    try {
      await turn.promise;
    } finally {
      cancel();
    }
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      next.resolve();
      return;
    }
    this.#free += 1;
    if (this.#isOver && this.#free === this.#connectionsMax) this.#idle.resolve();
  }

  /** Sends a statement. `mayBeLate`: it may take effect after it was given up. */
  async #ask(
    run: () => readonly Row[],
    mayBeLate: boolean,
    answerMsMax: number = limits.databaseAnswerMsMax,
  ): Promise<readonly Row[]> {
    const { state, faults, parts } = this.#way;
    const { world, random, database } = parts;
    const answer = deferred<readonly Row[]>();
    const soonMs = () => between(random, 1, latencyMsMax);
    const fail = (delayMs: number, error: Error) => this.#clock.deliver(delayMs, () => answer.reject(error));
    const reset = () => fail(soonMs(), passing('ECONNRESET', 'the connection was reset'));
    // So that files are closed that the process has open.
    using _ = onAbort(this.#clock.killed, answer.reject);
    const timer = this.#clock.after(answerMsMax, () => answer.reject(passing('', 'Query read timeout')));
    const isLate = mayBeLate && chance(random, state === 'silent' ? 0.3 : faults.lateChance);
    if (isLate)
      world.after(between(random, 1, lateMsMax), () => {
        if (!this.#way.isOpen) return;
        this.#way.late += 1;
        run();
      });
    if (state === 'silent') {
      // Where there is no connection yet, one is not waited for that long.
      if (chance(random, 0.5)) fail(limits.databaseConnectMsMax, passing('', 'connect timed out'));
    } else if (state === 'refused' || !database.isUp) {
      fail(soonMs(), passing('ECONNREFUSED', 'connect ECONNREFUSED'));
    } else if (isLate || chance(random, faults.failChance)) {
      if (chance(random, 0.8)) reset();
    } else {
      const isLost = chance(random, faults.lossChance);
      const isTold = !isLost || chance(random, 0.8);
      world.after(soonMs(), () => {
        if (!this.#way.isOpen) {
          if (this.#way.state !== 'silent') reset();
          return;
        }
        const rows = run();
        world.after(soonMs(), () => {
          if (this.#way.state === 'silent' || !isTold) return;
          if (isLost || !this.#way.isOpen) reset();
          else this.#clock.deliver(0, () => answer.resolve(rows));
        });
      });
    }
    try {
      return await answer.promise;
    } catch (error) {
      this.#way.failures += 1;
      throw error;
    } finally {
      timer();
    }
  }
}

function passing(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
