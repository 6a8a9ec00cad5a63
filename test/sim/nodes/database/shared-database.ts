import type { Clock } from '../../../../src/lib/clock.js';
import type { Row } from '../../../../src/store/postgres/database.js';
import { tablesVersion } from '../../../../src/store/postgres/schema.js';
import { LogAudit } from './log-audit.js';
import { isWrite, runStatement } from './statements.js';
import { Tables } from './tables.js';

/** The one database of all nodes, with the tables of `graspd migrate`: each statement takes effect at one moment. */
export class SharedDatabase {
  readonly tables = new Tables();
  readonly audit: LogAudit;
  /** Whether it runs; what it has outlives it. */
  isUp = true;
  readonly #clock: Pick<Clock, 'monotonic'>;

  constructor(clock: Pick<Clock, 'monotonic'>, report: (what: string) => void) {
    this.#clock = clock;
    this.audit = new LogAudit(report);
    const { meta } = this.tables;
    meta.set('schema', String(tablesVersion));
    meta.set('database_id', 'simulated');
    meta.set('hash_seed', '0123456789abcdef');
  }

  run(text: string, values: readonly unknown[]): readonly Row[] {
    const nowMs = this.#clock.monotonic();
    if (!isWrite(text)) return runStatement(this.tables, text, values, nowMs);
    const before = this.audit.before(this.tables, values);
    const rows = runStatement(this.tables, text, values, nowMs);
    if (rows[0]?.held === 1) this.audit.after(this.tables, values, before);
    return rows;
  }
}
