import type { Random } from '../../../../src/lib/random.js';
import { eventBanned } from '../../../../src/policy/policy-context.js';
import type { Journal } from '../../../../src/store/journal.js';
import { between, chance, pick } from '../../random.js';
import type { Side } from '../node/side.js';
import type { Ledger } from './ledger.js';

/** What a record may be; without a value it is not there. */
type RecordState = { readonly value: string | undefined };

/** What is done at the one that writes: events are taken away, and records are put beside the events. */
export class Operator {
  readonly #random: Random;
  readonly #ledger: Ledger;
  /** By name, what a record may be: what was promised last, and what was asked for since. */
  readonly #records = new Map<string, RecordState[]>();
  #puts = 0;

  constructor(random: Random, ledger: Ledger) {
    this.#random = random;
    this.#ledger = ledger;
  }

  /** Bans some event, and takes it away. */
  async takeAway({ store, writing }: Side): Promise<void> {
    const ids = store.ids({ kinds: [1621, 1617, 1111] }).sort();
    if (writing === undefined || ids.length === 0) return;
    const id = pick(this.#random, ids);
    this.#ledger.takingAway(id);
    const { lists, admission } = writing;
    try {
      await lists.add('banned-event', id, { reason: '', sinceSeconds: 0 });
      await admission.takeAway([id], eventBanned);
      this.#ledger.takenAway(id);
    } catch {
      // Nobody knows what of it is written.
    }
  }

  /** Puts a record, or takes one out. */
  async note({ writing }: Side): Promise<void> {
    if (writing === undefined) return;
    const name = `record ${between(this.#random, 0, 3)}`;
    this.#puts += 1;
    const value = chance(this.#random, 0.3) ? undefined : String(this.#puts);
    const may = this.#records.get(name) ?? [{ value: undefined }];
    this.#records.set(name, may);
    const state: RecordState = { value };
    may.push(state);
    const { journal } = writing.opened;
    try {
      await (value === undefined ? journal.delete(name) : journal.put(name, Buffer.from(value)));
    } catch {
      return;
    }
    may.splice(0, may.indexOf(state));
  }

  /** Says which records are none that they may be. */
  async wrong(journal: Pick<Journal, 'entries'>): Promise<string[]> {
    const found = new Map<string, string>();
    for await (const { name, value } of journal.entries()) found.set(name, Buffer.from(value).toString());
    return [...this.#records].flatMap(([name, may]) => {
      const is = found.get(name);
      if (may.some(({ value }) => value === is)) return [];
      return [`${name} is ${is}, and not ${may.map(({ value }) => value).join(' or ')}`];
    });
  }
}
