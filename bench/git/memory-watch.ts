import type { RelayProcess } from '../system/relay-process.js';

const lookMs = 20;

/** Watches the resident memory of a process. */
export class MemoryWatch {
  readonly #relay: RelayProcess;
  readonly #before: number;
  readonly #looks: NodeJS.Timeout;
  #most: number;

  constructor(relay: RelayProcess) {
    this.#relay = relay;
    this.#before = this.#resident();
    this.#most = this.#before;
    this.#looks = setInterval(() => this.#look(), lookMs);
  }

  /** Ends it; gives the bytes that it had at most beyond those at the beginning. */
  end(): number {
    clearInterval(this.#looks);
    this.#look();
    return this.#most - this.#before;
  }

  #look(): void {
    this.#most = Math.max(this.#most, this.#resident());
  }

  #resident(): number {
    return this.#relay.usage()?.residentBytes ?? Number.NaN;
  }
}
