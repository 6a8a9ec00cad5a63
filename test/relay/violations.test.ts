import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { limits } from '../../src/config/limits.js';
import { localAddressGroup } from '../../src/lib/budgets/address-group.js';
import { Violations } from '../../src/lib/budgets/violations.js';
import { violationLimits } from '../../src/relay/settings.js';
import { accountsOf } from '../support/accounts.js';
import { settle } from '../support/virtual-clock.js';
import { plainEvent, sessionWorld } from './fakes.js';
import { droppedFrom, serveRelay } from './served-relay.js';

const perMinute = limits.clientViolationsPerMinuteMax;

describe('messages of a client that cannot be read', () => {
  it.each([
    ['number', 1, 0, perMinute],
    ['bytes', limits.clientViolationBytesPerMinuteMax / 8, 0, 8],
    ['time', 1, limits.clientViolationMsPerMinuteMax / 4, 4],
  ])('are too much by their %s', (_, bytes, ms, most) => {
    const violations = new Violations({ monotonic: () => 0 }, violationLimits);
    for (let count = 1; count <= most; count += 1) expect(violations.note(bytes, ms)).toBe(false);
    expect(violations.note(bytes, ms)).toBe(true);
  });

  it('are forgotten by and by', () => {
    let nowMs = 0;
    const violations = new Violations({ monotonic: () => nowMs }, violationLimits);
    for (let minute = 0; minute < 10; minute += 1, nowMs += 60_000)
      for (let count = 1; count <= perMinute; count += 1) expect(violations.note(1, 0)).toBe(false);
  });

  it('count for its address: who comes again after the end goes on where it was, and others are not concerned', () => {
    let nowMs = 0;
    const accounts = accountsOf({ violations: violationLimits }, { monotonic: () => nowMs });
    for (let count = 1; count <= perMinute; count += 1)
      expect(accounts.of('192.0.2.1').noteViolation(1, 0)).toBe(false);
    expect(accounts.of('192.0.2.1').noteViolation(1, 0)).toBe(true);
    expect(accounts.of('192.0.2.1').isIdle).toBe(false);
    expect(accounts.of('192.0.2.2').noteViolation(1, 0)).toBe(false);
    expect(accounts.of(localAddressGroup).noteViolation(perMinute * 1_000_000, 0)).toBe(false);
    nowMs += 120_000;
    expect(accounts.of('192.0.2.1').isIdle).toBe(true);
  });

  it('end its connection at once where its address sent too many before', async () => {
    const { client, settle, accounts } = sessionWorld();
    for (let count = 0; count < perMinute; count += 1) accounts.of('192.0.2.1').noteViolation(1, 0);
    const { session, outbox } = client('192.0.2.1');
    session.receive('nonsense');
    await settle();
    expect(outbox.isShutOut).toBe(true);
  });

  it.each(['CLOSE', 'NEG-CLOSE'])(
    'are %ss of what is not open, where its address has asked for too much',
    async (type) => {
      const { client, settle } = sessionWorld({ accounts: { requestsPerMinuteMax: 100 } });
      const { send, outbox } = client('192.0.2.1');
      for (let count = 0; count < 100; count += 1) send(type, 'none');
      await settle();
      for (let count = 0; count < perMinute; count += 1) send(type, 'none');
      await settle();
      expect(outbox.isShutOut).toBe(false);
      send(type, 'none');
      await settle();
      expect(outbox.isShutOut).toBe(true);
    },
  );

  it.each([
    ['REQ', ['REQ', 'a', {}]],
    ['COUNT', ['COUNT', 'a', {}]],
    ['NEG-OPEN', ['NEG-OPEN', 'a', {}, '6100']],
    ['NEG-MSG', ['NEG-MSG', 'a', '61']],
    ['AUTH', ['AUTH', plainEvent(1)]],
    ['EVENT', ['EVENT', plainEvent(1)]],
  ])(
    'are, by a fraction, %ss above a rate: over by a little, a client is only told so',
    async (_, message) => {
      const { client } = sessionWorld({
        accounts: { requestsPerMinuteMax: 100, eventsPerMinuteMax: 30 },
      });
      const [one, two] = [client('192.0.2.1'), client('192.0.2.1')];
      const send = async (count: number) => {
        for (let sent = 0; sent < count; sent += 1) {
          (sent % 2 === 0 ? one : two).send(...message);
          if (sent % 64 === 0) await settle();
        }
        await settle();
      };
      const isShutOut = () => [one, two].some(({ outbox }) => outbox.isShutOut);
      const allowed = message[0] === 'EVENT' ? 30 : 100;
      await send(allowed + perMinute * limits.clientRefusalsPerViolation);
      expect(isShutOut()).toBe(false);
      expect(one.outbox.frames.at(-1)?.at(-1)).toMatch(/^rate-limited: /);
      await send(2);
      expect(isShutOut()).toBe(true);
      const other = client('192.0.2.2');
      other.send('COUNT', 'c', {});
      await settle();
      expect(other.outbox.frames).toEqual([['COUNT', 'c', { count: expect.any(Number) }]]);
    },
  );

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
