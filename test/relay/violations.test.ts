import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { limits } from '../../src/config/limits.js';
import { Violations } from '../../src/relay/client/violations.js';
import { sessionWorld } from './fakes.js';
import { droppedFrom, serveRelay } from './served-relay.js';

const perMinute = limits.clientViolationsPerMinuteMax;

describe('messages of a client that cannot be read', () => {
  it.each([
    ['number', 1, 0, perMinute],
    ['bytes', limits.clientViolationBytesPerMinuteMax / 8, 0, 8],
    ['time', 1, limits.clientViolationMsPerMinuteMax / 4, 4],
  ])('are too much by their %s', (_, bytes, ms, most) => {
    const violations = new Violations({ monotonic: () => 0 });
    for (let count = 1; count <= most; count += 1) expect(violations.note(bytes, ms)).toBe(false);
    expect(violations.note(bytes, ms)).toBe(true);
  });

  it('are forgotten by and by', () => {
    let nowMs = 0;
    const violations = new Violations({ monotonic: () => nowMs });
    for (let minute = 0; minute < 10; minute += 1, nowMs += 60_000)
      for (let count = 1; count <= perMinute; count += 1) expect(violations.note(1, 0)).toBe(false);
  });

  it('end its session, short or long', async () => {
    for (const frame of ['nonsense', `[${'['.repeat(1_000_000)}`]) {
      const { client, settle } = sessionWorld();
      const { session, outbox } = client();
      let sent = 0;
      for (; sent < 2 * perMinute && !outbox.isShutOut; sent += 1) {
        session.receive(frame);
        await settle();
      }
      expect(outbox.isShutOut).toBe(true);
      expect(outbox.frames).toHaveLength(sent);
      session.receive(frame);
      await settle();
      expect(outbox.frames).toHaveLength(sent);
    }
  });

  it('end its connection, binary ones too', async () => {
    await using served = await serveRelay();
    const socket = new WebSocket(served.url);
    const received: string[] = [];
    socket.on('message', (data) => received.push(String(data)));
    await once(socket, 'open');
    for (let count = 0; count < 2 * perMinute; count += 1) socket.send(Buffer.of(1));
    await once(socket, 'close');
    expect(received).toContain('["NOTICE","invalid: a message is text, not binary"]');
    expect(await droppedFrom(served)).toEqual({ violations: 1 });
  });
});
