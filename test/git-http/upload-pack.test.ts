import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, Readable, Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { ProcessGate } from '../../src/git/processes/process-gate.js';
import type { GitRequest } from '../../src/git-http/git-endpoint.js';
import { uploadPack } from '../../src/git-http/upload-pack.js';
import { VirtualClock } from '../support/virtual-clock.js';

const chunkBytes = 100_000;

/** A response that takes a chunk only when it is told to, and says of itself what the endpoint asks. */
class SlowResponse extends Writable {
  readonly #waiting: (() => void)[] = [];

  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#waiting.push(done);
  }

  setHeader(): void {}

  flushHeaders(): void {}

  /** Reads so many chunks. */
  async take(count: number): Promise<void> {
    for (let taken = 0; taken < count; taken += 1) {
      this.#waiting.shift()?.();
      await setImmediate();
    }
  }
}

/** Places for clones whose git writes without end, or nothing. */
function places(runningMax: number, isSilent = false) {
  const clock = new VirtualClock();
  const gate = new ProcessGate({ runningMax, waitingMax: 8 }, clock);
  const streams = {
    async start(_command: unknown, signal: AbortSignal) {
      const input = new Writable({ write: (_chunk, _encoding, done) => done() });
      const output = new Readable({
        read() {
          if (!isSilent) this.push(Buffer.alloc(chunkBytes));
        },
      });
      const ended = new Promise<{ exitCode: null; complaint: string; isLate: boolean }>((resolve) => {
        output.once('close', () => resolve({ exitCode: null, complaint: '', isLate: false }));
      });
      const end = () => output.destroy();
      signal.addEventListener('abort', end, { once: true });
      return { input, output, ended, end };
    },
  };
  const endpoint = uploadPack({ streams, gate, clock, msMax: () => 3_600_000 });
  const cloneFrom = (party: string) => {
    const message = Object.assign(new PassThrough(), { headers: {}, complete: true });
    message.end('the request of a clone');
    const response = new SlowResponse();
    const left = new AbortController();
    response.once('close', () => left.abort());
    const request = {
      party,
      message: message as unknown as IncomingMessage,
      response: response as unknown as ServerResponse,
      signal: left.signal,
    };
    endpoint.work(request as GitRequest).catch(() => {});
    return response;
  };
  /** Lets a span pass in which each of these reads so many chunks. */
  const span = async (clones: readonly SlowResponse[], chunks: number) => {
    await setImmediate();
    for (const clone of clones) await clone.take(chunks);
    await clock.advance(limits.gitBodySpanMs);
    await setImmediate();
  };
  return { gate, clock, cloneFrom, span };
}

/** Chunks in a span that are just fast enough for who has one place more than somebody who waits. */
const enough = Math.ceil(limits.gitAwaitedReadSpanBytesMin / chunkBytes);

describe('a clone that is read slowly', () => {
  it('holds no place of several that its address has while somebody waits who has none', async () => {
    const { gate, cloneFrom, span } = places(4);
    const theirs = ['a', 'a', 'b', 'b'].map(cloneFrom);
    for (let spans = 0; spans < 3; spans += 1) await span(theirs, 0);
    expect([gate.running, gate.waiting]).toEqual([4, 0]);
    cloneFrom('c');
    for (let spans = 0; spans < 2; spans += 1) await span(theirs, enough);
    expect(gate.waiting).toBe(0);
    expect(theirs.filter(({ destroyed }) => destroyed)).not.toEqual([]);
  });

  it('holds the only place of its address when it is fast enough, or when nobody waits', async () => {
    const { gate, cloneFrom, span } = places(2);
    const [fast, slow] = [cloneFrom('a'), cloneFrom('b')];
    await span([fast], enough);
    await span([fast], enough);
    expect(slow.destroyed).toBe(false);
    cloneFrom('c');
    await span([fast], enough);
    expect([fast.destroyed, slow.destroyed, gate.waiting]).toEqual([false, true, 0]);
  });
});

it('a clone that keeps git busy holds no place of several that its address has while somebody waits who has none', async () => {
  const { gate, clock, cloneFrom } = places(4, true);
  const theirs = ['a', 'a', 'b', 'b'].map(cloneFrom);
  await clock.advance(1);
  const mine = cloneFrom('c');
  await clock.advance(limits.gitPlacesHeldMsMax);
  await setImmediate();
  expect([gate.running, gate.waiting]).toEqual([4, 0]);
  expect([...theirs, mine].map(({ destroyed }) => destroyed)).toEqual([true, false, false, false, false]);
});
