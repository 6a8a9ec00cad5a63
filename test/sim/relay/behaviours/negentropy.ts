import { type Random, randomInteger } from '../../../../src/lib/random.js';
import type { Behaviour } from '../behaviour.js';
import { ReferenceNegentropy } from '../reference-negentropy.js';
import type { RelaySession } from '../remote-relay.js';

/** How a relay without NIP-77 takes a NEG-OPEN. */
export type RefusalStyle = 'silence' | 'notice' | 'closed' | 'disabled';

/** A relay that does not know NIP-77, or has it switched off. */
export function withoutNegentropy(style: RefusalStyle): Behaviour {
  return {
    name: `no negentropy (${style})`,
    honest: true,
    received(session, message) {
      if (!message[0].startsWith('NEG-')) return false;
      if (message[0] !== 'NEG-OPEN') return true;
      const id = message[1];
      if (style === 'notice') session.send(['NOTICE', 'ERROR: bad msg: unknown cmd']);
      if (style === 'closed') session.send(['CLOSED', id, 'unsupported: NEG-OPEN']);
      if (style === 'disabled') session.send(['NEG-ERR', id, 'blocked: negentropy is disabled']);
      return true;
    },
  };
}

/** How a relay says that a query finds too much to be reconciled, from precise to vague. */
export type TooManyStyle = 'element' | 'text' | 'bare';

/** A relay that reconciles at most `itemsMax` events in a session. */
export function negentropyItemsMax(itemsMax: number, style: TooManyStyle): Behaviour {
  return {
    name: `reconciles ${itemsMax} events (${style})`,
    honest: true,
    received(session, message) {
      if (message[0] !== 'NEG-OPEN') return false;
      const [, id, filter] = message;
      const found = session.relay.reconcilable(filter).length;
      if (found <= itemsMax) return false;
      if (style === 'element') session.send(['NEG-ERR', id, 'blocked: too many query results', itemsMax]);
      if (style === 'text') {
        session.send(['NEG-ERR', id, `blocked: too many query results: ${found} > ${itemsMax}`]);
      }
      if (style === 'bare') session.send(['NEG-ERR', id, 'blocked: this query is too big']);
      return true;
    },
  };
}

/** A relay whose answers stay within `bytes`, so that a reconciliation takes more rounds. */
export function negentropyFrames(bytes: number): Behaviour {
  return {
    name: `negentropy frames of ${bytes} bytes`,
    honest: true,
    responder: (events) =>
      new ReferenceNegentropy(
        events.map(({ id, created_at }) => ({ id, timestamp: created_at })),
        bytes,
      ),
  };
}

/** How a reconciliation breaks off. */
export type BreakStyle = 'error' | 'garbage' | 'silence';

/** A relay whose reconciliations break off after a few messages; its REQ works. */
export function breaksNegentropy(afterMessages: number, style: BreakStyle): Behaviour {
  const sent = new WeakMap<RelaySession, number>();
  return {
    name: `breaks negentropy after ${afterMessages} (${style})`,
    honest: true,
    sending(session, message) {
      if (message[0] !== 'NEG-MSG') return [message];
      const count = (sent.get(session) ?? 0) + 1;
      sent.set(session, count);
      if (count <= afterMessages) return [message];
      if (style === 'error') {
        session.reconciliations.delete(message[1] as string);
        return [['NEG-ERR', message[1], 'closed: session timed out']];
      }
      if (style === 'garbage') return [['NEG-MSG', message[1], '61ffffffffffffffffffff']];
      return [];
    },
  };
}

/** A relay that lists ids of events that exist nowhere, anew for each question, within the range of real times. */
export function inventsIds(random: Random, count: number): Behaviour {
  const invent = () =>
    Array.from({ length: 32 }, () => randomInteger(random, 256).toString(16).padStart(2, '0'));
  return {
    name: `invents ${count} ids`,
    honest: true,
    responder: (events) => {
      const newest = events[0]?.created_at ?? 1_700_000_000;
      const phantoms = Array.from({ length: count }, () => ({
        id: invent().join(''),
        timestamp: newest - randomInteger(random, 10_000),
      }));
      const real = events.map(({ id, created_at }) => ({ id, timestamp: created_at }));
      return new ReferenceNegentropy([...real, ...phantoms], 0);
    },
  };
}
