import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { UnreadAnswers } from '../../src/http/unread-answers.js';
import { VirtualClock } from '../support/virtual-clock.js';

class FakeAnswer extends EventEmitter {
  isEnded = false;
  readonly writableEnded = true;
  readonly destroyed = false;
  socket: object | null = {};
  readonly req = {
    socket: {
      destroy: () => {
        this.isEnded = true;
        this.emit('close');
      },
    },
  };

  readonly writableLength: number;

  constructor(bytes: number) {
    super();
    this.writableLength = bytes;
  }
}

function world() {
  const clock = new VirtualClock();
  const unread = new UnreadAnswers(clock);
  const hold = (bytes: number, group: string): FakeAnswer => {
    const answer = new FakeAnswer(bytes);
    unread.hold(answer as unknown as ServerResponse, group);
    return answer;
  };
  return { clock, hold };
}

const addressBytesMax = limits.httpUnreadBytesMax * limits.addressMemoryShareMax;
const page = 1_500_000;
const endedOf = (answers: readonly FakeAnswer[]) => answers.filter(({ isEnded }) => isEnded).length;

describe('answers that nobody reads', () => {
  it('have a share of one address, and take no room of others', () => {
    const { hold } = world();
    const answers = Array.from({ length: 8_000 }, () => hold(page, '192.0.2.1'));
    expect(answers.length - endedOf(answers)).toBe(Math.floor(addressBytesMax / page));
    expect(hold(page, '192.0.2.2').isEnded).toBe(false);
  });

  it('give way where there is no room, those of whom most is held', () => {
    const { hold } = world();
    const groups = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
    const answers = Array.from({ length: 900 }, (_, index) => hold(page, groups[index % 3] as string));
    const held = answers.length - endedOf(answers);
    expect(held * page).toBeLessThanOrEqual(limits.httpUnreadBytesMax);
    expect(hold(page, '192.0.2.4').isEnded).toBe(false);
    expect(answers.length - endedOf(answers)).toBeLessThan(held);
  });

  it('give back what they held when they were read', () => {
    const { hold } = world();
    for (let asked = 0; asked < 1_000; asked += 1) {
      const answer = hold(page, '192.0.2.1');
      expect(answer.isEnded).toBe(false);
      answer.emit('close');
    }
  });

  it('are ended by and by', async () => {
    const { clock, hold } = world();
    const answer = hold(page, '192.0.2.1');
    const read = hold(page, '192.0.2.1');
    read.emit('close');
    await clock.advance(limits.httpReadMsMax - 1);
    expect(answer.isEnded).toBe(false);
    await clock.advance(1);
    expect([answer.isEnded, read.isEnded]).toEqual([true, false]);
  });

  it('are given time from when those before them on their connection were read', async () => {
    const { clock, hold } = world();
    const answer = new FakeAnswer(page);
    answer.socket = null;
    new UnreadAnswers(clock).hold(answer as unknown as ServerResponse, '192.0.2.1');
    await clock.advance(limits.httpReadMsMax * 2);
    expect(answer.isEnded).toBe(false);
    answer.socket = {};
    await clock.advance(limits.httpReadMsMax * 2);
    expect(answer.isEnded).toBe(true);
    expect(hold(page, '192.0.2.1').isEnded).toBe(false);
  });
});
