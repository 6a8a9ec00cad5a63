/** Rows by a time, the earliest first: a binary heap in typed arrays, 20 bytes an entry. */
export class TimeHeap {
  #times = new Float64Array(16);
  #sequences = new Float64Array(16);
  #rows = new Uint32Array(16);
  #size = 0;
  #version = 0;

  get size(): number {
    return this.#size;
  }

  /** Changes when entries are dropped, which moves others: a `walkUntil` is at an end then. */
  get version(): number {
    return this.#version;
  }

  get bytes(): number {
    return this.#times.length * 20;
  }

  /** Of the earliest entry; there must be one. */
  get time(): number {
    return this.#times[0]!;
  }

  get row(): number {
    return this.#rows[0]!;
  }

  get sequence(): number {
    return this.#sequences[0]!;
  }

  /** Adds a row; `sequence` tells whether the row is still the same later. */
  push(time: number, row: number, sequence: number): void {
    if (this.#size === this.#times.length) this.#resize(this.#size * 2);
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (this.#times[parent]! <= time) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#set(at, time, row, sequence);
  }

  /** Drops the earliest entry. */
  pop(): void {
    this.#version += 1;
    this.#size -= 1;
    const last = this.#size;
    if (last > 0) this.#sink(0, this.#times[last]!, this.#rows[last]!, this.#sequences[last]!);
  }

  /** Visits all entries up to a time, in no order, without a look at more than twice as many others. */
  forEachUntil(time: number, visit: (row: number, sequence: number) => void): void {
    for (const _ of this.walkUntil(time, visit));
  }

  /** The same, an entry a step. Entries may be pushed meanwhile, later ones: these move none of those that are visited. */
  *walkUntil(time: number, visit: (row: number, sequence: number) => void): Generator<void> {
    // They hang together at the top.
    const open = [0];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at >= this.#size || this.#times[at]! > time) continue;
      visit(this.#rows[at]!, this.#sequences[at]!);
      open.push(at * 2 + 1, at * 2 + 2);
      yield;
    }
  }

  /** Whether `test` holds for all entries, in no order; ends with the first for which it does not. */
  every(test: (row: number, sequence: number) => boolean): boolean {
    for (let at = 0; at < this.#size; at += 1) {
      if (!test(this.#rows[at]!, this.#sequences[at]!)) return false;
    }
    return true;
  }

  /** Drops all entries that `keep` does not want. */
  retain(keep: (row: number, sequence: number) => boolean): void {
    this.#version += 1;
    let kept = 0;
    for (let at = 0; at < this.#size; at += 1) {
      if (!keep(this.#rows[at]!, this.#sequences[at]!)) continue;
      this.#move(at, kept);
      kept += 1;
    }
    this.#size = kept;
    for (let at = (kept >>> 1) - 1; at >= 0; at -= 1) {
      this.#sink(at, this.#times[at]!, this.#rows[at]!, this.#sequences[at]!);
    }
    if (this.#times.length > 64 && kept * 4 < this.#times.length) this.#resize(this.#times.length >>> 1);
  }

  dump(): { times: Float64Array; sequences: Float64Array; rows: Uint32Array } {
    return {
      times: this.#times.subarray(0, this.#size),
      sequences: this.#sequences.subarray(0, this.#size),
      rows: this.#rows.subarray(0, this.#size),
    };
  }

  restore(times: Float64Array, sequences: Float64Array, rows: Uint32Array): void {
    this.#resize(Math.max(16, times.length));
    this.#times.set(times);
    this.#sequences.set(sequences);
    this.#rows.set(rows);
    this.#size = times.length;
  }

  #sink(from: number, time: number, row: number, sequence: number): void {
    let at = from;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#times[child + 1]! < this.#times[child]!) child += 1;
      if (this.#times[child]! >= time) break;
      this.#move(child, at);
      at = child;
    }
    this.#set(at, time, row, sequence);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#times[from]!, this.#rows[from]!, this.#sequences[from]!);
  }

  #set(at: number, time: number, row: number, sequence: number): void {
    this.#times[at] = time;
    this.#rows[at] = row;
    this.#sequences[at] = sequence;
  }

  #resize(capacity: number): void {
    const times = new Float64Array(capacity);
    const sequences = new Float64Array(capacity);
    const rows = new Uint32Array(capacity);
    times.set(this.#times.subarray(0, this.#size));
    sequences.set(this.#sequences.subarray(0, this.#size));
    rows.set(this.#rows.subarray(0, this.#size));
    this.#times = times;
    this.#sequences = sequences;
    this.#rows = rows;
  }
}
