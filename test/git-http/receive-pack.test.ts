import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { ProcessGate } from '../../src/git/processes/process-gate.js';
import type { GitRequest } from '../../src/git-http/git-endpoint.js';
import { receivePack } from '../../src/git-http/receive-pack.js';
import { VirtualClock } from '../support/virtual-clock.js';

type Taken = { readonly body: AsyncIterable<unknown>; readonly signal: AbortSignal };

/** Eight places for pushes that are read to their end, and who pushes from which address; then `work` is done with each. */
function places(work: (push: Taken) => Promise<void> = async () => {}) {
  const clock = new VirtualClock();
  const gate = new ProcessGate({ runningMax: 8, waitingMax: 8 }, clock);
  const receive = {
    async receive(push: Taken): Promise<void> {
      for await (const _ of push.body);
      await work(push);
    },
  };
  const endpoint = receivePack({ receive, gate, clock, bytesMax: () => 1_000_000_000 });
  const pushFrom = (party: string) => {
    const message = Object.assign(new PassThrough(), { headers: {}, complete: false });
    message.write('a push');
    const response = Object.assign(new Writable({ write: (_a, _b, done) => done() }), { setHeader() {} });
    let outcome: unknown;
    const request = {
      party,
      message: message as unknown as IncomingMessage,
      response: response as unknown as ServerResponse,
      signal: new AbortController().signal,
    };
    endpoint.work(request as GitRequest).then(
      (ok) => {
        outcome = ok;
      },
      (error: Error) => {
        outcome = error.message;
      },
    );
    const end = () => {
      message.complete = true;
      message.end('and its end');
    };
    return { message, end, outcome: () => outcome };
  };
  type Push = ReturnType<typeof pushFrom>;
  const send = async (pushes: readonly Push[], bytes: number) => {
    for (const { message } of pushes) message.write(Buffer.alloc(bytes));
    await clock.advance(limits.gitBodySpanMs);
  };
  return { gate, clock, pushFrom, send };
}

const someone = (count: number, party: string) => Array.from({ length: count }, () => party);

describe('a push that sends slowly', () => {
  it.each([20_000, 5_000_000])(
    'at %i bytes a minute holds no place of several that its address has while somebody waits who has none',
    async (bytes) => {
      const { gate, clock, pushFrom, send } = places();
      const theirs = [...someone(8, 'a'), ...someone(8, 'b')].map(pushFrom);
      await clock.advance(1);
      await send(theirs, bytes);
      expect(gate.running).toBe(8);
      expect(theirs.map(({ outcome }) => outcome())).toEqual(someone(16, 'x').map(() => undefined));
      const mine = pushFrom('c');
      mine.end();
      await send(theirs, bytes);
      expect(mine.outcome()).toBe('ok');
      expect(theirs.map(({ outcome }) => outcome())).toContain(
        'others wait to push, and this address has more places than they have; push again later',
      );
    },
  );

  it('holds the only place of its address when it is fast enough, or when nobody waits', async () => {
    const { clock, pushFrom, send } = places();
    const [fast, ...slow] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(pushFrom);
    await clock.advance(1);
    fast?.message.write(Buffer.alloc(limits.gitAwaitedBodySpanBytesMin));
    await send(slow, limits.gitBodySpanBytesMin);
    expect(slow.map(({ outcome }) => outcome())).toEqual(slow.map(() => undefined));
    const mine = pushFrom('i');
    mine.end();
    fast?.message.write(Buffer.alloc(limits.gitAwaitedBodySpanBytesMin));
    await send(slow, limits.gitBodySpanBytesMin);
    expect([mine.outcome(), fast?.outcome()]).toEqual(['ok', undefined]);
    expect(slow.map(({ outcome }) => outcome())).toContain(
      'others wait to push, and this push comes too slowly; push again later',
    );
  });
});

describe('a push that came whole', () => {
  it('and keeps git busy holds no place of several that its address has while somebody waits who has none', async () => {
    let isBusy = true;
    const { gate, clock, pushFrom } = places(async ({ signal }) => {
      if (isBusy) await once(signal, 'abort');
      signal.throwIfAborted();
    });
    const theirs = [...someone(4, 'a'), ...someone(4, 'b')].map(pushFrom);
    for (const { end } of theirs) end();
    await clock.advance(1);
    expect(gate.running).toBe(8);
    isBusy = false;
    const mine = pushFrom('c');
    mine.end();
    await clock.advance(limits.gitPlacesHeldMsMax - 1);
    expect(mine.outcome()).toBeUndefined();
    await clock.advance(1);
    expect(mine.outcome()).toBe('ok');
    expect(theirs.map(({ outcome }) => outcome()).filter((outcome) => outcome !== undefined)).toEqual([
      'others wait to push, and this address has more places than they have; push again later',
    ]);
  });
});
