import { type Random, randomInteger } from '../../../../src/lib/random.js';
import type { NostrEvent } from '../../../../src/nostr/event.js';
import { between, chance, pick, shuffled } from '../../random.js';
import { signed, withBadSignature } from '../../world/signing.js';
import type { Behaviour } from '../behaviour.js';
import { matches, type WireFilter } from '../event-set.js';
import type { RelaySession } from '../remote-relay.js';

/** Whether an id falls into the given share of all ids: a steady choice that needs no memory. */
function isAmong(id: string, share: number): boolean {
  return Number.parseInt(id.slice(-4), 16) < share * 65_536;
}

/** A relay that lists ids in negentropy which it never serves. */
export function withholds(share: number): Behaviour {
  return { name: `withholds ${share}`, honest: true, withholds: ({ id }) => isAmong(id, share) };
}

/** A relay some of whose events carry a signature that does not hold, or a content that does not fit their id. */
export function spoils(share: number, part: 'signature' | 'content'): Behaviour {
  const isSpoilt = ({ id }: NostrEvent) => isAmong(id, share);
  return {
    name: `spoils the ${part} of ${share}`,
    honest: true,
    spoils: isSpoilt,
    sending(_session, message) {
      const event = message[2] as NostrEvent;
      if (message[0] !== 'EVENT' || !isSpoilt(event)) return [message];
      const spoilt = part === 'signature' ? withBadSignature(event) : { ...event, content: 'forged' };
      return [[message[0], message[1], spoilt]];
    },
  };
}

/**
 * A relay that sends events nobody asked for: under foreign subscriptions, or beside what was asked. One that matches is
 * not among them: at the end of a page it would say that the relay has nothing between it and the one before.
 */
export function sendsUnasked(random: Random, pool: readonly NostrEvent[]): Behaviour {
  return {
    name: 'sends unasked events',
    honest: true,
    sending({ subscriptions }, message) {
      if (pool.length === 0 || !chance(random, 0.1)) return [message];
      const subscription = typeof message[1] === 'string' && chance(random, 0.5) ? message[1] : 'nobody';
      const event = pick(random, pool);
      const isAsked = subscriptions.get(subscription)?.some((filter) => matches(filter, event));
      return [['EVENT', isAsked === true ? 'nobody' : subscription, event], message];
    },
  };
}

/** A relay that sends what is no message at all between its messages. */
export function talksNonsense(random: Random): Behaviour {
  const nonsense = ['', '{', 'null', '[]', '[1,2]', '["EVENT"]', '["EVENT","x",{"id":5}]', '["EOSE"]'];
  nonsense.push(
    '["OK",1,2,3]',
    '["WHAT","is","this"]',
    '["NEG-MSG","x",7]',
    '["CLOSED"]',
    '["AUTH"]',
    '["NOTICE"]',
  );
  return {
    name: 'talks nonsense',
    honest: true,
    sending(session, message) {
      if (chance(random, 0.05)) session.sendRaw(pick(random, nonsense));
      return [message];
    },
  };
}

/** Texts on one connection: with more, a slow link would have room for nothing else. */
const wordyTextsMax = 6;

/** A relay whose texts are long, and such that looking for the end of what they may mean would take for ever. */
export function isWordy(random: Random): Behaviour {
  const words = [
    'results ',
    'too many events ',
    'records limit 12 max ',
    'more than 1,',
    'exceed ids ',
    '9',
    ' ',
  ];
  const said = new WeakMap<RelaySession, number>();
  const say = (session: RelaySession) => {
    const count = said.get(session) ?? 0;
    if (count >= wordyTextsMax) return;
    said.set(session, count + 1);
    const text = pick(random, words).repeat(between(random, 100, 30_000));
    const ways = [
      ['NOTICE', text],
      ['CLOSED', 'nobody', text],
      ['AUTH', text],
    ] as const;
    session.send(pick(random, ways));
  };
  return {
    name: 'is wordy',
    honest: true,
    connected(session) {
      for (let count = 0; count < 5; count += 1) say(session);
    },
    sending(session, message) {
      if (chance(random, 0.05)) say(session);
      return [message];
    },
  };
}

/** A relay that sends every event twice. */
export function repeats(): Behaviour {
  return {
    name: 'repeats',
    honest: true,
    sending: (_session, message) => (message[0] === 'EVENT' ? [message, message] : [message]),
  };
}

/** A relay whose stored events come in no order. */
export function unsorted(random: Random): Behaviour {
  return { name: 'unsorted', honest: true, answer: (events) => shuffled(random, events) };
}

/** A relay that takes `limit: 0` for no limit, as some do. */
export function ignoresLimitZero(): Behaviour {
  return {
    name: 'ignores limit 0',
    honest: true,
    received(session, message) {
      if (message[0] !== 'REQ') return false;
      const [, id, ...filters] = message;
      if (filters.every(({ limit }) => limit !== 0)) return false;
      session.subscriptions.set(id, filters);
      const unlimited = filters.map(({ limit: _limit, ...filter }) => filter as WireFilter);
      for (const event of session.relay.stored(unlimited)) session.send(['EVENT', id, event]);
      session.send(['EOSE', id]);
      return true;
    },
  };
}

/** A relay that never says that the stored events are over. */
export function withoutEose(): Behaviour {
  return {
    name: 'no EOSE',
    honest: false,
    sending: (_session, message) => (message[0] === 'EOSE' ? [] : [message]),
  };
}

/** A relay that looks at no `until`, so that every page is the first one. */
export function ignoresUntil(): Behaviour {
  return {
    name: 'ignores until',
    honest: false,
    received(session, message) {
      if (
        message[0] !== 'REQ' ||
        message.slice(2).every((filter) => (filter as WireFilter).until === undefined)
      ) {
        return false;
      }
      const [, id, ...filters] = message;
      session.subscriptions.set(id, filters);
      const unbounded = filters.map(({ until: _until, ...filter }) => filter as WireFilter);
      for (const event of session.relay.stored(unbounded)) session.send(['EVENT', id, event]);
      session.send(['EOSE', id]);
      return true;
    },
  };
}

/** What an endless relay makes up in all: far more than a world holds, and not so much that a seed takes minutes. */
const madeUpEventsMax = 30_000;

/**
 * A relay that makes up a full page of matching events for every REQ, as if without end: each older than the one
 * before by up to `stepSeconds`, or, when that is 0, all of the same second.
 */
export function endless(random: Random, pageEvents: number, stepSeconds: number): Behaviour {
  let left = madeUpEventsMax;
  return {
    name: `endless pages of ${pageEvents}, ${stepSeconds} s apart`,
    honest: false,
    received(session, message) {
      if (message[0] !== 'REQ') return false;
      const [, id, ...filters] = message;
      const [filter] = filters;
      if (filter === undefined || filter.limit === 0 || filter.ids !== undefined) return false;
      let at = Math.min(filter.until ?? 1_760_000_000, 1_760_000_000);
      const page = Math.min(pageEvents, filter.limit ?? pageEvents, left);
      left -= page;
      for (let i = 0; i < page; i++) {
        at = Math.max(0, at - randomInteger(random, stepSeconds + 1));
        session.send(['EVENT', id, madeUp(random, filter, at)]);
      }
      session.send(['EOSE', id]);
      return true;
    },
  };
}

/** A new event of nobody that matches a filter, and that no policy would take. */
function madeUp(random: Random, filter: WireFilter, created_at: number): NostrEvent {
  const noise = `${random.next()}`;
  const tags: string[][] = [['d', `made up ${noise}`]];
  const tag = Object.entries(filter).find(([name]) => name.startsWith('#'));
  const kind = filter.kinds?.[0] ?? 1;
  // A reference that must match would make the event acceptable; a foreign author's `p` stands in its place.
  if (tag !== undefined) tags.push(['p', noise]);
  return signed({ pubkey: 'f'.repeat(64), created_at, kind, tags, content: noise });
}
