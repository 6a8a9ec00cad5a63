import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { table } from '../../src/commands/operator/table.js';
import { limits } from '../../src/config/limits.js';
import { askDaemon, askDaemonForBytes, sendToDaemon } from '../../src/control/control-client.js';
import {
  BadControlRequest,
  BusyControl,
  type ControlRoute,
  ControlServer,
} from '../../src/control/control-server.js';
import { ControlError, controlSocketPath } from '../../src/control/control-socket.js';
import { deferred } from '../../src/lib/abort.js';
import { type Clock, systemClock } from '../../src/lib/clock.js';
import { eventually } from '../support/eventually.js';
import { VirtualClock } from '../support/virtual-clock.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graspd-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

const signal = new AbortController().signal;

async function listening(
  routes: readonly ControlRoute[],
  faults: unknown[] = [],
  clock: Clock = systemClock,
) {
  const server = new ControlServer(routes, clock, (error) => void faults.push(error));
  const path = controlSocketPath(folder);
  await server.listen(path);
  return { path, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function answers(path: string, request: { path: string; body?: unknown }): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of askDaemon(path, request, signal)) values.push(value);
  return values;
}

describe('the control socket', () => {
  it('answers one value, or one after the other, to who may use the data folder', async () => {
    await using server = await listening([
      { method: 'GET', path: '/one', answer: async () => ({ a: 1 }) },
      {
        method: 'POST',
        path: '/each',
        async *answer(body) {
          for (const value of body as unknown[]) yield { value };
        },
      },
    ]);
    expect(await answers(server.path, { path: '/one' })).toEqual([{ a: 1 }]);
    expect(await answers(server.path, { path: '/each', body: [1, 2] })).toEqual([{ value: 1 }, { value: 2 }]);
    expect((await stat(server.path)).mode & 0o777).toBe(0o600);
  });

  it('says what makes no sense, also where the answer would be one after the other', async () => {
    await using server = await listening([
      {
        method: 'POST',
        path: '/each',
        // biome-ignore lint/correctness/useYield: it makes no sense before there is anything to give
        async *answer(): AsyncGenerator<unknown> {
          throw new BadControlRequest('that makes no sense');
        },
      },
    ]);
    await expect(answers(server.path, { path: '/each', body: [] })).rejects.toMatchObject({
      code: 'control_refused',
      message: 'that makes no sense',
    });
  });

  it('sends no faster than it is read, and ends with who asks', async () => {
    let made = 0;
    let isEnded = false;
    await using server = await listening([
      {
        method: 'GET',
        path: '/endless',
        async *answer() {
          try {
            for (; ; made += 1) yield { made, text: 'x'.repeat(10_000) };
          } finally {
            isEnded = true;
          }
        },
      },
    ]);
    for await (const _ of askDaemon(server.path, { path: '/endless' }, signal)) break;
    const before = made;
    expect(before).toBeLessThan(10_000);
    while (!isEnded) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('gives bytes as they are, and those that break off are never taken for whole', async () => {
    const bytes = Buffer.from([0, 10, 255]);
    await using server = await listening([
      {
        method: 'GET',
        path: '/whole',
        async *bytes() {
          yield bytes;
          yield bytes;
        },
      },
      {
        method: 'GET',
        path: '/broken',
        async *bytes() {
          yield bytes;
          throw new Error('a fault');
        },
      },
      {
        method: 'GET',
        path: '/refused',
        // biome-ignore lint/correctness/useYield: it has nothing to give.
        async *bytes() {
          throw new BadControlRequest('one at a time');
        },
      },
    ]);
    const read = async (path: string): Promise<Buffer> => {
      const pieces: Uint8Array[] = [];
      for await (const piece of askDaemonForBytes(server.path, { path }, signal)) pieces.push(piece);
      return Buffer.concat(pieces);
    };
    expect(await read('/whole')).toEqual(Buffer.concat([bytes, bytes]));
    await expect(read('/broken')).rejects.toBeInstanceOf(ControlError);
    await expect(read('/refused')).rejects.toThrow('one at a time');
  });

  it('lets a reader go that stops reading, and what was asked for is let go with it', async () => {
    const clock = new VirtualClock();
    let isEnded = false;
    const route: ControlRoute = {
      method: 'GET',
      path: '/endless',
      async *bytes() {
        try {
          for (;;) yield Buffer.alloc(100_000);
        } finally {
          isEnded = true;
        }
      },
    };
    await using server = await listening([route], [], clock);
    const asked = request({ socketPath: server.path, path: '/endless' });
    asked.on('error', () => {});
    asked.end();
    const [response] = await once(asked, 'response');
    response.on('error', () => {});
    response.pause();
    await eventually(() => clock.timers > 0);
    await clock.advance(limits.controlStalledMsMax - 1);
    expect(isEnded).toBe(false);
    await clock.advance(1);
    await eventually(() => isEnded);
    asked.destroy();
  });

  it('takes what is sent no faster than it is read, answers meanwhile, and is done before all came', async () => {
    const piece = Buffer.alloc(65_536, 'x');
    let given = 0;
    const endless = Readable.from(
      (async function* () {
        for (; ; given += 1) yield piece;
      })(),
    );
    const enough = deferred<void>();
    await using server = await listening([
      {
        method: 'POST',
        path: '/take',
        async *take(body) {
          yield 'begun';
          await enough.promise;
          for await (const { length } of body) {
            yield { length };
            return;
          }
        },
      },
    ]);
    const values = sendToDaemon(server.path, '/take', endless, signal);
    expect((await values.next()).value).toBe('begun');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(given).toBeLessThan(100);
    enough.resolve();
    expect((await values.next()).value).toEqual({ length: expect.any(Number) });
    expect((await values.next()).done).toBe(true);
    expect(endless.destroyed).toBe(true);
  });

  it('is sent nothing where it refuses, as while it is busy', async () => {
    const stream = Readable.from([Buffer.from('x')]);
    await using server = await listening([
      {
        method: 'POST',
        path: '/take',
        // biome-ignore lint/correctness/useYield: it has nothing to give.
        async *take() {
          throw new BusyControl('another one is under way');
        },
      },
    ]);
    await expect(sendToDaemon(server.path, '/take', stream, signal).next()).rejects.toMatchObject({
      code: 'control_busy',
      message: 'another one is under way',
    });
    expect(stream.readableDidRead).toBe(false);
  });

  it('never takes for whole what breaks off, and says why it did', async () => {
    const ended: unknown[] = [];
    await using server = await listening([
      {
        method: 'POST',
        path: '/take',
        async *take(body, gone) {
          try {
            yield 'begun';
            for await (const _ of body);
            ended.push('whole');
          } finally {
            ended.push(gone.aborted);
          }
        },
      },
    ]);
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from('x');
        throw new Error('the disk cannot be read');
      })(),
    );
    const values = sendToDaemon(server.path, '/take', broken, signal);
    await values.next();
    await expect(values.next()).rejects.toThrow('the disk cannot be read');
    await eventually(() => ended.length > 0);
    expect(ended).toEqual([true]);
  });

  it('takes the place of the socket that a killed daemon left', async () => {
    const left = new ControlServer([], systemClock, () => {});
    await left.listen(controlSocketPath(folder));
    await using server = await listening([{ method: 'GET', path: '/one', answer: async () => 1 }]);
    expect(await answers(server.path, { path: '/one' })).toEqual([1]);
    await left[Symbol.asyncDispose]();
  });

  it('tells what makes no sense, and nothing of faults of its own ends it', async () => {
    const faults: unknown[] = [];
    await using server = await listening(
      [
        {
          method: 'POST',
          path: '/odd',
          answer: () => Promise.reject(new BadControlRequest('it takes two')),
        },
        { method: 'GET', path: '/broken', answer: () => Promise.reject(new Error('a fault')) },
      ],
      faults,
    );
    await expect(answers(server.path, { path: '/odd', body: 1 })).rejects.toMatchObject({
      code: 'control_refused',
      message: 'it takes two',
    });
    await expect(answers(server.path, { path: '/nowhere' })).rejects.toMatchObject({
      code: 'control_refused',
    });
    await expect(answers(server.path, { path: '/broken' })).rejects.toMatchObject({
      code: 'control_failed',
      message: 'a fault',
    });
    expect(faults).toHaveLength(1);
  });

  it('is told apart from a daemon that does not run, by name', async () => {
    await expect(answers(controlSocketPath(folder), { path: '/one' })).rejects.toMatchObject({
      code: 'no_daemon',
    });
  });

  it('is not to be had where its path is too long', () => {
    expect(() => controlSocketPath(join(folder, 'x'.repeat(200)))).toThrow(/too long/);
  });
});

it('a table lines its columns up, and shows what there is not', () => {
  expect(
    table(
      ['NAME', 'N'],
      [
        ['a long name', '1'],
        ['b', undefined],
      ],
    ),
  ).toBe('NAME         N\na long name  1\nb            -\n');
});
