import type { Behaviour, ClientMessage } from '../behaviour.js';
import type { WireFilter } from '../event-set.js';
import type { RelaySession } from '../remote-relay.js';

/** A relay that finds at most `count` events for each filter, whatever its `limit`. */
export function capsResults(count: number, published: boolean): Behaviour {
  return {
    name: `${count} results a filter${published ? ', published' : ''}`,
    honest: true,
    ...(published ? { information: { maxLimit: count, hasLimitation: true } } : {}),
    results: (events) => events.slice(0, count),
  };
}

/** A relay that sends at most `count` stored events for each REQ, all its filters together. */
export function capsAnswers(count: number): Behaviour {
  return { name: `${count} results a REQ`, honest: true, answer: (events) => events.slice(0, count) };
}

/** How a relay says no: with the subscription's id, or in a NOTICE that names nothing. */
export type RefusalStyle = 'closed' | 'notice';

/** A relay that holds at most `count` subscriptions open for a connection. */
export function capsSubscriptions(count: number, style: RefusalStyle, published: boolean): Behaviour {
  return {
    name: `${count} subscriptions (${style}${published ? ', published' : ''})`,
    honest: true,
    ...(published ? { information: { maxSubscriptions: count, hasLimitation: true } } : {}),
    received(session, message) {
      if (message[0] !== 'REQ' || session.subscriptions.has(message[1])) return false;
      if (session.subscriptions.size < count) return false;
      refuse(session, message, style, 'error: too many concurrent REQs');
      return true;
    },
  };
}

/** A large relay that says in its NIP-11 document how much it takes. */
export function publishesLimits(subscriptions: number, filters: number): Behaviour {
  const information = { maxSubscriptions: subscriptions, maxFilters: filters, hasLimitation: true };
  return { name: `publishes ${subscriptions} subscriptions, ${filters} filters`, honest: true, information };
}

/** A relay that takes at most `count` filters in one REQ. */
export function capsFilters(count: number, style: RefusalStyle, published: boolean): Behaviour {
  return {
    name: `${count} filters (${style}${published ? ', published' : ''})`,
    honest: true,
    ...(published ? { information: { maxFilters: count, hasLimitation: true } } : {}),
    received(session, message) {
      if (message[0] !== 'REQ' || message.length - 2 <= count) return false;
      session.subscriptions.delete(message[1]);
      refuse(session, message, style, 'invalid: too many filters');
      return true;
    },
  };
}

/** A relay that takes `until` for the first second that is not asked for, in REQ and NEG-OPEN alike. */
export function exclusiveUntil(): Behaviour {
  return {
    name: 'until is exclusive',
    honest: true,
    results: (events, { until }) => events.filter(({ created_at }) => created_at !== until),
    reconciles: (events, { until }) => events.filter(({ created_at }) => created_at !== until),
  };
}

/** A relay that takes at most `count` ids in one filter: it refuses more, or looks at the first ones only. */
export function capsIds(count: number, style: RefusalStyle | 'truncate'): Behaviour {
  return {
    name: `${count} ids (${style})`,
    honest: true,
    received(session, message) {
      if (message[0] !== 'REQ' || style === 'truncate') return false;
      const filters = message.slice(2) as unknown as WireFilter[];
      if (filters.every(({ ids }) => (ids?.length ?? 0) <= count)) return false;
      refuse(session, message, style, 'invalid: too many ids');
      return true;
    },
    results(events, filter) {
      if (filter.ids === undefined) return events;
      const first = new Set(filter.ids.slice(0, count));
      return events.filter(({ id }) => first.has(id));
    },
  };
}

/** A relay that publishes how long a message may be, and does not read longer ones. */
export function capsMessages(bytes: number): Behaviour {
  return {
    name: `messages of ${bytes} bytes`,
    honest: true,
    information: { maxMessageBytes: bytes, hasLimitation: true },
    received(session, _message, text) {
      if (Buffer.byteLength(text) <= bytes) return false;
      session.send(['NOTICE', 'ERROR: message too large']);
      return true;
    },
  };
}

function refuse(session: RelaySession, message: ClientMessage, style: RefusalStyle, why: string): void {
  session.send(style === 'closed' ? ['CLOSED', message[1], why] : ['NOTICE', `ERROR: ${why}`]);
}
