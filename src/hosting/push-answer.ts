import type { Writable } from 'node:stream';
import { limits } from '../config/limits.js';
import { type CommandResult, errorAnswer, keepAlivePkt, pushAnswer } from '../git-protocol/push-report.js';
import type { Clock } from '../lib/clock.js';

/**
 * The answer to one push. Where the client takes side bands it is sent something at once and from time to time until the
 * report, for some give up on a line that is silent.
 */
export class PushAnswer implements Disposable {
  readonly #answer: Writable;
  readonly #capabilities: ReadonlySet<string>;
  readonly #clock: Clock;
  #cancel: () => void = () => {};

  constructor(answer: Writable, capabilities: ReadonlySet<string>, clock: Clock) {
    this.#answer = answer;
    this.#capabilities = capabilities;
    this.#clock = clock;
    if (capabilities.has('side-band-64k')) this.#keepAlive();
  }

  report(unpack: string, results: readonly CommandResult[]): void {
    this.#end(pushAnswer(this.#capabilities, unpack, results));
  }

  fail(reason: string): void {
    this.#end(errorAnswer(reason));
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #keepAlive(): void {
    this.#answer.write(keepAlivePkt);
    this.#cancel = this.#clock.after(limits.pushKeepAliveMs, () => this.#keepAlive());
  }

  #end(bytes: Buffer): void {
    this.#cancel();
    this.#answer.end(bytes);
  }
}
