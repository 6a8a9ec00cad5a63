import type { Behaviour } from '../behaviour.js';
import type { WireFilter } from '../event-set.js';

/** How a relay for git collaboration takes the question for all that it holds. */
export type EverythingStyle = 'answers' | 'refuses REQ' | 'refuses NEG-OPEN' | 'is silent';

/** A relay that says in its NIP-11 document that it supports GRASP. */
export function supportsGrasp(style: EverythingStyle): Behaviour {
  return {
    name: `GRASP, ${style}`,
    honest: true,
    information: { supportsGrasp: true },
    received(session, message) {
      const [type, id] = message;
      if (style === 'answers' || (type !== 'REQ' && type !== 'NEG-OPEN')) return false;
      const filters = (type === 'REQ' ? message.slice(2) : [message[2]]) as WireFilter[];
      if (!filters.some(asksForEverything)) return false;
      if (style === 'is silent') return true;
      if (type === 'REQ' && style === 'refuses REQ') {
        session.subscriptions.delete(id);
        session.send(['CLOSED', id, 'error: the filter is too broad']);
        return true;
      }
      if (type === 'NEG-OPEN' && style === 'refuses NEG-OPEN') {
        session.send(['NEG-ERR', id, 'blocked: the filter is too broad']);
        return true;
      }
      return false;
    },
  };
}

function asksForEverything(filter: WireFilter): boolean {
  return Object.keys(filter).every((key) => ['limit', 'since', 'until'].includes(key));
}
