import type { ServerResponse } from 'node:http';
import { limits } from '../config/limits.js';
import { partyOf } from '../lib/budgets/address-group.js';
import { MemoryBudget } from '../lib/budgets/memory-budget.js';
import type { CancelTimer, Clock } from '../lib/clock.js';

type Response = Pick<
  ServerResponse,
  'writableEnded' | 'writableLength' | 'destroyed' | 'once' | 'req' | 'socket'
>;

/**
 * Answers that are made and not read. Who asks and reads nothing would fill the memory: the connection that is answered most
 * gives way where there is no room, and none has all the time in the world. What goes on being made, as clones, has limits of
 * its own.
 */
export class UnreadAnswers {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #memory = new MemoryBudget({
    totalBytes: limits.httpUnreadBytesMax,
    groupBytes: limits.httpUnreadBytesMax * limits.addressMemoryShareMax,
    holderBytes: limits.httpUnreadBytesMax * limits.addressMemoryShareMax,
  });

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  /** Counts an answer until it was read, as far as it was not at once; ends its connection where there is no room for it. */
  hold(response: Response, addressGroup: string): void {
    const bytes = response.writableLength;
    if (bytes === 0 || !response.writableEnded || response.destroyed) return;
    const end = () => void response.req.socket.destroy();
    // Who is behind a proxy that does not say so cannot be told from others.
    const group = partyOf(addressGroup);
    const holder = this.#memory.holder(group, end);
    const cancel = this.#whenReadFor(response, end);
    response.once('close', () => {
      cancel();
      holder[Symbol.dispose]();
    });
    if (holder.reserve(bytes) === undefined) end();
  }

  /** Calls `end` when the answer should have been read. One that waits for an answer before it, as a clone, cannot be yet. */
  #whenReadFor(response: Response, end: () => void): CancelTimer {
    let cancel: CancelTimer = () => {};
    const look = () => {
      const isNext = response.socket !== null;
      cancel = this.#clock.after(limits.httpReadMsMax, isNext ? end : look);
    };
    look();
    return () => cancel();
  }
}
