/** Whose work goes first in a turn of the event loop. */
export const priorities = ['clients', 'delivery', 'catch-up', 'care'] as const;

export type Priority = (typeof priorities)[number];

/** Has a task run in a later turn of the event loop, before the microtasks that it sets off. */
export type NextTurn = (task: () => void) => void;

type Tasks = Record<Priority, (() => void)[]>;

/**
 * The order of work within a turn of the event loop: what clients ask, the handing out of events, what other relays
 * send, then what no client asked for. Node runs immediates in the order in which they were asked for; so a client whose
 * message came after catch-up had asked for its turn would wait for all of that. How long each may take they
 * decide themselves, in slices.
 */
export class TurnOrder {
  readonly #immediate: NextTurn;
  #tasks: Tasks | undefined;

  /** `immediate` runs tasks in a later turn in their order, and between two of them all microtasks. */
  constructor(immediate: NextTurn = setImmediate) {
    this.#immediate = immediate;
  }

  /** The way into later turns for work of that priority. What is asked for within a turn has its turn in the next. */
  of(priority: Priority): NextTurn {
    return (task) => {
      this.#tasks ??= this.#begin();
      this.#tasks[priority].push(task);
    };
  }

  #begin(): Tasks {
    const tasks: Tasks = { clients: [], delivery: [], 'catch-up': [], care: [] };
    this.#immediate(() => {
      this.#tasks = undefined;
    });
    for (const priority of priorities) {
      this.#immediate(() => this.#run(tasks[priority]));
    }
    return tasks;
  }

  /** One that throws keeps none of the others from their turn. */
  #run(tasks: readonly (() => void)[]): void {
    let done = 0;
    try {
      for (const task of tasks) {
        done += 1;
        task();
      }
    } finally {
      if (done < tasks.length) this.#immediate(() => this.#run(tasks.slice(done)));
    }
  }
}

/** The order of the turns of this thread. */
export const turnOrder = new TurnOrder();
