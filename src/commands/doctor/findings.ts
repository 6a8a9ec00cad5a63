import type { DoctorReport } from '../../control/reports.js';
import type { Invocation } from '../command.js';
import { wantsJson } from '../operator/ask.js';

/** Writes what the doctor finds, wherever it is found, and counts it. */
export class Findings {
  readonly #invocation: Invocation;
  #faults = 0;
  #repaired = 0;

  constructor(invocation: Invocation) {
    this.#invocation = invocation;
  }

  readonly say = (report: DoctorReport): void => {
    const { line, isFault, outcome, isRepaired } = report;
    if (isFault) this.#faults += 1;
    if (isRepaired === true) this.#repaired += 1;
    const words = outcome === undefined ? `${line}\n` : `${line}\n  ${outcome}\n`;
    this.#invocation.stdout.write(wantsJson(this.#invocation) ? `${JSON.stringify(report)}\n` : words);
  };

  async sayAll(reports: AsyncIterable<DoctorReport>): Promise<void> {
    for await (const report of reports) {
      this.#invocation.signal.throwIfAborted();
      this.say(report);
    }
  }

  /** Sums up; answers the exit code: 0 when no fault is left. */
  end(): number {
    const [faults, repaired] = [this.#faults, this.#repaired];
    const words = faults === 0 ? 'no faults\n' : `faults: ${faults}, repaired: ${repaired}\n`;
    this.#invocation.stdout.write(
      wantsJson(this.#invocation) ? `${JSON.stringify({ faults, repaired })}\n` : words,
    );
    return faults === repaired ? 0 : 1;
  }
}
