import { errorCode } from '../lib/errors.js';

/** The classes of connection failures, told by error code and never by searching text (docs/sync.md §2). */
export type FailureClass = 'dns' | 'tls' | 'refused' | 'timeout' | 'protocol' | 'policy';

const classOfCode: Readonly<Record<string, FailureClass>> = {
  ENOTFOUND: 'dns',
  ENODATA: 'dns',
  ESERVFAIL: 'dns',
  name_lookup: 'dns',
  ECONNREFUSED: 'refused',
  ECONNRESET: 'refused',
  ECONNABORTED: 'refused',
  EHOSTUNREACH: 'refused',
  EHOSTDOWN: 'refused',
  ENETUNREACH: 'refused',
  ENETDOWN: 'refused',
  EADDRNOTAVAIL: 'refused',
  EPIPE: 'refused',
  EACCES: 'refused',
  ETIMEDOUT: 'timeout',
  time_limit: 'timeout',
  EPROTO: 'tls',
  CERT_HAS_EXPIRED: 'tls',
  CERT_NOT_YET_VALID: 'tls',
  CERT_REVOKED: 'tls',
  CERT_UNTRUSTED: 'tls',
  CERT_REJECTED: 'tls',
  CERT_SIGNATURE_FAILURE: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  HOSTNAME_MISMATCH: 'tls',
  INVALID_CA: 'tls',
  private_address: 'policy',
  special_name: 'policy',
};

const classOfCodePrefix: readonly (readonly [prefix: string, failure: FailureClass])[] = [
  ['EAI_', 'dns'],
  ['ERR_TLS_', 'tls'],
  ['ERR_SSL_', 'tls'],
  ['UNABLE_TO_', 'tls'],
];

/** The class of a failure, by its error code alone. Errors of protocols have none that is known here. */
export function classOf(error: unknown): FailureClass {
  const code = errorCode(error);
  return (
    classOfCode[code] ?? classOfCodePrefix.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 'protocol'
  );
}
