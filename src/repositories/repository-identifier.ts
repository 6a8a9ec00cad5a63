import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { utf8Length } from '../lib/bytes.js';
import { InvalidEventError, type NostrEvent } from '../nostr/event.js';
import { repositoryIdentifier } from '../nostr/repository.js';

/**
 * The identifier of an announcement or state, fit to name a folder: as `repositoryIdentifier`, and short enough for
 * a file name with its `.git`, and without lone surrogates, which UTF-8 cannot tell apart. Throws
 * `InvalidEventError`.
 */
export function checkedIdentifier(event: NostrEvent): string {
  const identifier = repositoryIdentifier(event);
  if (exceeds('identifierBytesMax', utf8Length(identifier))) {
    throw new InvalidEventError(`identifier is longer than ${limits.identifierBytesMax} bytes`);
  }
  if (/\p{Surrogate}/u.test(identifier)) throw new InvalidEventError('identifier is not fit for a path');
  return identifier;
}
