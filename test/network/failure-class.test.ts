import { describe, expect, it } from 'vitest';
import { PrivateAddressError } from '../../src/network/address-policy.js';
import { classOf } from '../../src/network/failure-class.js';

const coded = (code: string, message = 'certificate dns timeout refused') =>
  Object.assign(new Error(message), { code });

describe('failures are classed by error code, never by searching text (docs/sync.md §2)', () => {
  it.each([
    ['ENOTFOUND', 'dns'],
    ['EAI_AGAIN', 'dns'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
    ['ECONNREFUSED', 'refused'],
    ['ECONNRESET', 'refused'],
    ['ETIMEDOUT', 'timeout'],
    ['WS_ERR_INVALID_OPCODE', 'protocol'],
  ])('%s is %s', (code, failure) => {
    expect(classOf(coded(code))).toBe(failure);
  });

  it('an address that is not public is a matter of policy', () => {
    expect(classOf(new PrivateAddressError('evil.example'))).toBe('policy');
  });

  it('an error without a code is of the protocol, whatever its text says', () => {
    expect(classOf(new Error('ECONNREFUSED ENOTFOUND timeout'))).toBe('protocol');
  });
});
