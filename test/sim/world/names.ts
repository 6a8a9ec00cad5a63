import type { Names } from '../oracle/policy-model.js';
import { type Cast, ownDomain } from './cast.js';

/** How the names of a cast are read, from what the world made them of. */
export function names({ relays }: Pick<Cast, 'relays'>): Names {
  const byUrl = new Map<string, string>();
  for (const { url, spellings } of relays) {
    for (const spelling of [url, ...spellings]) byUrl.set(spelling, url);
  }
  const ours = new RegExp(`^(wss|https)://${ownDomain.replaceAll('.', '\\.')}(/|$)`);
  return { isOurs: (url) => ours.test(url), relayOf: (spelling) => byUrl.get(spelling) };
}
