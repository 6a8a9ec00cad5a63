import { expect, it } from 'vitest';
import { errorMessage } from '../../src/lib/errors.js';

it('the message of a connection that failed at several addresses has what each said', () => {
  const each = ['connect ETIMEDOUT 192.0.2.1:443', 'connect ECONNREFUSED 192.0.2.2:443'];
  const error = new AggregateError(each.map((message) => new Error(message)));
  expect(errorMessage(error)).toBe(each.join('; '));
  expect(errorMessage(new AggregateError([], 'all\nfailed'))).toBe('all failed');
});
