import type { Readable, Writable } from 'node:stream';
import { limits } from '../config/limits.js';
import { type CommandResult, errorAnswer, keepAlivePkt, pushAnswer } from '../git-protocol/push-report.js';
import type { Clock } from '../lib/clock.js';

/**
 * The answer to one push. Where the client takes side bands it is sent something from time to time, from the end of the
 * push to the report, for some give up on a line that is silent. Before that end nothing is sent: proxies forget, or wait
 * for ever with, what is left of a request when its answer begins.
 */
export class PushAnswer implements Disposable {
  readonly #answer: Writable;
  readonly #capabilities: ReadonlySet<string>;
  readonly #clock: Clock;
  #isOver = false;
  #cancel: () => void = () => {};

  constructor(answer: Writable, capabilities: ReadonlySet<string>, body: Readable, clock: Clock) {
    this.#answer = answer;
    this.#capabilities = capabilities;
    this.#clock = clock;
    if (!capabilities.has('side-band-64k')) return;
    // A small push may have come to its end with its first piece.
    if (body.readableEnded) this.#keepAlive();
    else body.once('end', () => this.#keepAlive());
  }

  report(unpack: string, results: readonly CommandResult[]): void {
    this.#end(pushAnswer(this.#capabilities, unpack, results));
  }

  fail(reason: string): void {
    this.#end(errorAnswer(reason));
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#cancel();
  }

  #keepAlive(): void {
    if (this.#isOver) return;
    this.#answer.write(keepAlivePkt);
    this.#cancel = this.#clock.after(limits.pushKeepAliveMs, () => this.#keepAlive());
  }

  #end(bytes: Buffer): void {
    this[Symbol.dispose]();
    this.#answer.end(bytes);
  }
}
