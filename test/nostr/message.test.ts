import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidMessageError, parseClientMessage, parseRelayMessage } from '../../src/nostr/message.js';
import { signedEvent, testIdentity } from '../support/events.js';

const event = signedEvent(testIdentity(1));
const client = (...message: unknown[]) => parseClientMessage(JSON.stringify(message));
const relay = (...message: unknown[]) => parseRelayMessage(JSON.stringify(message));

describe('parseClientMessage', () => {
  it.each([
    [['EVENT', event], { type: 'EVENT', event }],
    [['AUTH', event], { type: 'AUTH', event }],
    [['REQ', 's', { kinds: [1] }, {}], { type: 'REQ', subscription: 's', filters: [{ kinds: [1] }, {}] }],
    [['COUNT', 's', {}], { type: 'COUNT', subscription: 's', filters: [{}] }],
    [['CLOSE', 's'], { type: 'CLOSE', subscription: 's' }],
    [['NEG-OPEN', 's', {}, '61'], { type: 'NEG-OPEN', subscription: 's', filter: {}, payload: '61' }],
    [['NEG-MSG', 's', '61'], { type: 'NEG-MSG', subscription: 's', payload: '61' }],
    [['NEG-CLOSE', 's'], { type: 'NEG-CLOSE', subscription: 's' }],
  ])('reads %j', (message, expected) => {
    expect(client(...message)).toEqual(expected);
  });

  it.each([
    [['EVENT', { ...event, kind: -1 }], 'EVENT', event.id],
    [['REQ', 's', { kinds: 'x' }], 'REQ', 's'],
    [['REQ', 's'], 'REQ', 's'],
    [['REQ', ''], 'REQ', ''],
    [['REQ', 'x'.repeat(251), {}], 'REQ', 'x'.repeat(250)],
    [['REQ', 's', ...new Array(21).fill({})], 'REQ', 's'],
    [['NEG-OPEN', 's', {}], 'NEG-OPEN', 's'],
    [['NEG-OPEN', 's', { limit: 1 }, '61'], 'NEG-OPEN', 's'],
    [['NEG-OPEN', 's', { limit: 0 }, '61'], 'NEG-OPEN', 's'],
    [['HELLO'], 'HELLO', undefined],
  ])('says of %j what it was about', (message, messageType, subject) => {
    expect(() => client(...message)).toThrow(expect.objectContaining({ messageType, subject }));
  });
});

describe('parseRelayMessage', () => {
  it.each([
    [['EVENT', 's', event], { type: 'EVENT', subscription: 's', event }],
    [['OK', event.id, true, ''], { type: 'OK', eventId: event.id, accepted: true, reason: '' }],
    [['OK', event.id, 'true'], { type: 'OK', eventId: event.id, accepted: false, reason: '' }],
    [['EOSE', 's'], { type: 'EOSE', subscription: 's' }],
    [['CLOSED', 's', 'error: x'], { type: 'CLOSED', subscription: 's', reason: 'error: x' }],
    [['NOTICE', 'hi'], { type: 'NOTICE', text: 'hi' }],
    [['AUTH', 'c'], { type: 'AUTH', challenge: 'c' }],
    [['COUNT', 's', { count: 5 }], { type: 'COUNT', subscription: 's', count: 5 }],
    [['NEG-MSG', 's', '61'], { type: 'NEG-MSG', subscription: 's', payload: '61' }],
    [
      ['NEG-ERR', 's', 'blocked: x'],
      { type: 'NEG-ERR', subscription: 's', reason: 'blocked: x', itemsMax: undefined },
    ],
    [
      ['NEG-ERR', 's', 'blocked: x', 500],
      { type: 'NEG-ERR', subscription: 's', reason: 'blocked: x', itemsMax: 500 },
    ],
    [
      ['NEG-ERR', 's', 'blocked: x', 'no'],
      { type: 'NEG-ERR', subscription: 's', reason: 'blocked: x', itemsMax: undefined },
    ],
  ])('reads %j', (message, expected) => {
    expect(relay(...message)).toEqual(expected);
  });
});

describe('any frame', () => {
  it('is read or refused with InvalidMessageError', () => {
    const words = fc.constantFrom('EVENT', 'REQ', 'COUNT', 'NEG-OPEN', 'NEG-ERR', 'CLOSED', 'OK');
    const frame = fc.oneof(
      fc.string(),
      fc.json(),
      fc.tuple(words, fc.jsonValue(), fc.jsonValue()).map((message) => JSON.stringify(message)),
    );
    const isReadOrRefused = (parse: (text: string) => unknown, text: string) => {
      try {
        parse(text);
        return true;
      } catch (error) {
        return error instanceof InvalidMessageError;
      }
    };
    fc.assert(
      fc.property(
        frame,
        (text) => isReadOrRefused(parseClientMessage, text) && isReadOrRefused(parseRelayMessage, text),
      ),
      { numRuns: 2000, seed: 1 },
    );
  });
});
