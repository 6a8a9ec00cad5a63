import { isSameSegment, noSegment, readSegment, type SegmentId } from '../../../../src/store/log/segment.js';
import { sortedKeys, Tables } from './tables.js';

/**
 * Looks at each write to the log as it takes effect: one writes at a time, each write goes on where the last one ended, and one
 * that takes effect once more, as when its answer was lost, changes nothing.
 */
export class LogAudit {
  readonly #report: (what: string) => void;
  readonly #known = new WeakSet<object>();
  #fence = 0;
  #last: SegmentId = noSegment;
  #compactions = 0;

  constructor(report: (what: string) => void) {
    this.#report = report;
  }

  /** How many writes rewrote a part of the log. */
  get compactions(): number {
    return this.#compactions;
  }

  /** What there was before a write, where that has to be looked at. */
  before(tables: Tables, values: readonly unknown[]): Tables | undefined {
    return this.#known.has(identityOf(values)) ? new Tables(tables) : undefined;
  }

  /** A write took effect. */
  after(tables: Tables, values: readonly unknown[], before: Tables | undefined): void {
    const fence = values[1] as number;
    if (fence < this.#fence) this.#report(`one writes with fence ${fence} after ${this.#fence}`);
    this.#fence = fence;
    if (before !== undefined) {
      if (!tables.isSame(before)) this.#report('a write that took effect again undid a later one');
      return;
    }
    this.#known.add(identityOf(values));
    const numbers = values[2] as number[];
    const goesOn = numbers.filter((number) => number > this.#last.number);
    for (const number of goesOn) this.#follow(tables, number);
    if (goesOn.length === numbers.length) return;
    this.#compactions += 1;
    this.#checkChain(tables);
  }

  #follow({ log }: Tables, number: number): void {
    const segment = readSegment(number, log.get(number) ?? Buffer.alloc(0));
    if (segment?.before === undefined || !isSameSegment(segment.before, this.#last))
      this.#report(`segment ${number} does not go on where the log ended`);
    if (segment !== undefined) this.#last = segment.id;
  }

  #checkChain({ log }: Tables): void {
    let last = noSegment;
    for (const number of sortedKeys(log)) {
      const segment = readSegment(number, log.get(number) as Buffer);
      if (segment?.before === undefined || !isSameSegment(segment.before, last))
        this.#report(`segment ${number} does not follow the one before it after a compaction`);
      last = segment?.id ?? last;
    }
    if (!isSameSegment(last, this.#last))
      this.#report('the end of the log is another one after a compaction');
  }
}

/** The same for all tries of one write: the numbers of its segments, as they were put together once. */
function identityOf(values: readonly unknown[]): object {
  return values[2] as number[];
}
