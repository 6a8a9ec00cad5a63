import { describe, expect, it } from 'vitest';
import { readRejection, rejectsNegentropy } from '../../src/sync/peer/rejection.js';

describe('what relays mean by their texts', () => {
  it.each([
    'rate-limited: slow down there chief',
    'ERROR: rate limited',
    'you are sending too fast',
    'error: too many requests',
  ])('"%s" is "slow down"', (text) => {
    expect(readRejection(text)).toEqual({ type: 'slow-down' });
  });

  it('auth-required: asks for NIP-42', () => {
    expect(readRejection('auth-required: we only serve members')).toEqual({ type: 'auth' });
  });

  it.each([
    ['blocked: too many query results', undefined, undefined],
    ['blocked: too many query results', 500_000, 500_000],
    ['error: 1200000 records exceed the limit of 500,000', undefined, 500_000],
    ['blocked: this query is too big', undefined, undefined],
    ['too many records: 100000 max', undefined, 100_000],
  ])('"%s" (%s) is too many, with the cap %s', (text, fourth, itemsMax) => {
    expect(readRejection(text, fourth)).toEqual({ type: 'too-many-results', itemsMax });
  });

  it.each([
    'blocked: negentropy is not for you',
    'closed: session expired',
    'error: negentropy disabled',
    'blocked: pubkey not admitted',
    '',
  ])('"%s" is no size problem', (text) => {
    expect(readRejection(text)).toEqual({ type: 'other' });
  });

  it('tells limits of subscriptions and of filters', () => {
    expect(readRejection('error: too many concurrent REQs').type).toBe('too-many-subscriptions');
    expect(readRejection('rate-limited: at most 500 open subscriptions').type).toBe('too-many-subscriptions');
    expect(readRejection('rate-limited: at most 9 characters of open subscriptions').type).toBe(
      'too-many-subscriptions',
    );
    expect(readRejection('blocked: too many open subscriptions').type).toBe('too-many-subscriptions');
    expect(readRejection('invalid: too many filters').type).toBe('too-many-filters');
  });

  it('reads a refusal of negentropy out of a NOTICE', () => {
    expect(rejectsNegentropy('ERROR: bad msg: negentropy disabled')).toBe(true);
    expect(rejectsNegentropy('unknown message type NEG-OPEN')).toBe(true);
    expect(rejectsNegentropy('Welcome! Be nice.')).toBe(false);
  });
});
