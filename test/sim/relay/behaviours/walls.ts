import type { Clock } from '../../../../src/lib/clock.js';
import { type Random, randomInteger } from '../../../../src/lib/random.js';
import type { Behaviour, ClientMessage } from '../behaviour.js';
import type { RelaySession } from '../remote-relay.js';

/** A relay that answers at most `perMinute` requests (REQ, NEG-OPEN) a minute of one connection. */
export function limitsRate(clock: Clock, perMinute: number, style: 'notice' | 'closed'): Behaviour {
  const asked = new WeakMap<RelaySession, number[]>();
  return {
    name: `${perMinute} requests a minute (${style})`,
    honest: true,
    received(session, message) {
      if (message[0] !== 'REQ' && message[0] !== 'NEG-OPEN') return false;
      const now = clock.monotonic();
      const recent = (asked.get(session) ?? []).filter((at) => at > now - 60_000);
      asked.set(session, recent);
      if (recent.length < perMinute) {
        recent.push(now);
        return false;
      }
      const why = 'rate-limited: slow down there chief';
      const refusal = message[0] === 'REQ' ? 'CLOSED' : 'NEG-ERR';
      if (message[0] === 'REQ') session.subscriptions.delete(message[1]);
      session.send(style === 'notice' ? ['NOTICE', why] : [refusal, message[1], why]);
      return true;
    },
  };
}

/** A relay that serves only those who authenticate (NIP-42); whom it does not know, it may refuse for good. */
export function authWall(random: Random, asks: 'at-connect' | 'at-request', admits: boolean): Behaviour {
  const challenges = new WeakMap<RelaySession, string>();
  const known = new WeakSet<RelaySession>();
  const challenge = (session: RelaySession) => {
    const text = `challenge-${randomInteger(random, 2 ** 32).toString(36)}`;
    challenges.set(session, text);
    session.send(['AUTH', text]);
  };
  return {
    name: `auth wall (${asks}, ${admits ? 'admits' : 'refuses'})`,
    honest: admits,
    needsKey: true,
    ...(asks === 'at-connect' ? { information: { authRequired: true, hasLimitation: true } } : {}),
    connected(session) {
      if (asks === 'at-connect') challenge(session);
    },
    received(session, message) {
      if (message[0] === 'AUTH') {
        const fault = faultOf(message, session.relay.url, challenges.get(session));
        const why = fault ?? (admits ? undefined : 'restricted: you are not on the list');
        if (why === undefined) known.add(session);
        session.send(['OK', message[1].id, why === undefined, why ?? '']);
        return true;
      }
      if (known.has(session) || (message[0] !== 'REQ' && message[0] !== 'NEG-OPEN')) return false;
      if (!challenges.has(session)) challenge(session);
      const refusal = message[0] === 'REQ' ? 'CLOSED' : 'NEG-ERR';
      session.send([refusal, message[1], 'auth-required: we only serve those we know']);
      return true;
    },
  };
}

function faultOf(
  message: Extract<ClientMessage, ['AUTH', unknown]>,
  url: string,
  challenge: string | undefined,
): string | undefined {
  const { kind, tags } = message[1];
  if (kind !== 22_242) return 'invalid: wrong kind';
  if (!tags.some(([name, value]) => name === 'challenge' && value === challenge)) {
    return 'invalid: wrong challenge';
  }
  const named = tags.find(([name]) => name === 'relay')?.[1];
  if (named === undefined || new URL(named).href !== new URL(url).href) return 'invalid: wrong relay';
  return undefined;
}

/** A relay that takes everything and answers nothing; `pings`: whether its socket at least answers those. */
export function mute(pings: boolean): Behaviour {
  return {
    name: pings ? 'mute' : 'mute, not even pongs',
    honest: false,
    ...(pings ? {} : { ignoresPings: true as const }),
    received: () => true,
  };
}

/** A relay that lets nobody in: it accepts a connection and closes it at once. */
export function hangsUp(): Behaviour {
  return {
    name: 'hangs up',
    honest: false,
    connected: (session) => session.peer.close(),
    received: () => true,
  };
}

/** A relay that crashes after `messages` sent, `times` times, while `faultsOn`. */
export function crashes(messages: number, times: number, faultsOn: () => boolean): Behaviour {
  let sent = 0;
  let left = times;
  return {
    name: `crashes after ${messages} messages`,
    honest: true,
    sending(session, message) {
      sent += 1;
      if (sent % messages !== 0 || left === 0 || !faultsOn()) return [message];
      left -= 1;
      session.relay.abortSessions();
      return [];
    },
  };
}
