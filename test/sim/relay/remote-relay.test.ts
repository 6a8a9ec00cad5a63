import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/lib/random.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { silent } from '../trace.js';
import { signed } from '../world/signing.js';
import type { Behaviour } from './behaviour.js';
import * as caps from './behaviours/caps.js';
import * as manners from './behaviours/manners.js';
import * as negentropy from './behaviours/negentropy.js';
import * as walls from './behaviours/walls.js';
import { type Breach, RemoteRelay } from './remote-relay.js';

const author = 'a'.repeat(64);
const note = (created_at: number, content = '', tags: string[][] = []) =>
  signed({ pubkey: author, created_at, kind: 1, tags, content });

/** A relay with ten notes, one a second, and a connection to it. */
function open(...behaviours: Behaviour[]) {
  const breaches: Breach[] = [];
  const relay = new RemoteRelay('wss://r.example', behaviours, silent, (breach) => breaches.push(breach));
  for (let at = 1; at <= 10; at++) relay.events.add(note(at));
  const heard: unknown[][] = [];
  const session = relay.accept({
    bufferedBytes: 0,
    send: (text) => heard.push(safeParse(text)),
    close: () => heard.push(['closed']),
    abort: () => heard.push(['aborted']),
  });
  const say = (...message: unknown[]) => {
    heard.length = 0;
    session.received(JSON.stringify(message));
    return heard.map((each) => each.slice());
  };
  return { relay, breaches, say, heard };
}

function safeParse(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch {
    return [text];
  }
}

const times = (messages: unknown[][]) =>
  messages.flatMap(([type, , event]) =>
    type === 'EVENT' ? [(event as { created_at: number }).created_at] : [],
  );
const verbs = (messages: unknown[][]) => messages.map(([type]) => type);

describe('RemoteRelay', () => {
  it('answers stored events newest first, then EOSE, then what is new', () => {
    const { relay, say, heard } = open();
    expect(times(say('REQ', 's', { kinds: [1], until: 8, limit: 3 }))).toEqual([8, 7, 6]);
    heard.length = 0;
    relay.publish(note(11));
    expect(times(heard)).toEqual([]);
    say('REQ', 's', { kinds: [1], limit: 0 });
    relay.publish(note(12));
    expect(times(heard)).toEqual([12]);
    say('CLOSE', 's');
    relay.publish(note(13));
    expect(times(heard)).toEqual([]);
  });

  it('sees when we ask for more than it published, or than anybody may expect', () => {
    const { breaches, say } = open(
      caps.capsSubscriptions(1, 'closed', true),
      caps.capsFilters(1, 'closed', true),
    );
    say('REQ', 'a', { kinds: [1] });
    say('REQ', 'a', { kinds: [1] });
    expect(breaches).toEqual([]);
    expect(verbs(say('REQ', 'b', { kinds: [1] }))).toEqual(['CLOSED']);
    say('CLOSE', 'a');
    say('REQ', 'c', { kinds: [1] }, { kinds: [2] });
    say('REQ', 'd', { kinds: [] });
    expect(breaches.map(({ what }) => what)).toEqual([
      'more than 1 open subscriptions',
      '2 filters; the limit is 1',
      'a filter with an empty list',
    ]);
  });

  it('refuses negentropy in every style', () => {
    const ask = (behaviour: Behaviour) => open(behaviour).say('NEG-OPEN', 'n', {}, '61');
    expect(ask(negentropy.withoutNegentropy('silence'))).toEqual([]);
    expect(verbs(ask(negentropy.withoutNegentropy('notice')))).toEqual(['NOTICE']);
    expect(verbs(ask(negentropy.withoutNegentropy('closed')))).toEqual(['CLOSED']);
    expect(ask(negentropy.negentropyItemsMax(9, 'element'))[0]?.[3]).toBe(9);
    expect(verbs(ask(negentropy.negentropyItemsMax(10, 'bare')))).toEqual(['NEG-MSG']);
    expect(verbs(ask(negentropy.breaksNegentropy(0, 'error')))).toEqual(['NEG-ERR']);
  });

  it('caps what it finds', () => {
    const two = [{ until: 5 }, { since: 6 }];
    expect(times(open(caps.capsResults(2, false)).say('REQ', 's', ...two))).toEqual([10, 9, 5, 4]);
    expect(times(open(caps.capsAnswers(3)).say('REQ', 's', ...two))).toEqual([10, 9, 8]);
    const ids = [3, 4, 5].map((at) => note(at).id);
    expect(times(open(caps.capsIds(2, 'truncate')).say('REQ', 's', { ids }))).toEqual([4, 3]);
    expect(verbs(open(caps.capsIds(2, 'closed')).say('REQ', 's', { ids }))).toEqual(['CLOSED']);
  });

  it('lets in whom it knows, and slows down who asks too much', () => {
    const random = seededRandom(1);
    const { say, heard } = open(walls.authWall(random, 'at-connect', true));
    const challenge = heard[0]?.[1] as string;
    expect(verbs(say('REQ', 's', { kinds: [1] }))).toEqual(['CLOSED']);
    const tags = [
      ['relay', 'wss://r.example'],
      ['challenge', challenge],
    ];
    const answer = signed({ pubkey: author, created_at: 1, kind: 22_242, tags, content: '' });
    expect(say('AUTH', answer)[0]?.[2]).toBe(true);
    expect(verbs(say('REQ', 's', { kinds: [2] }))).toEqual(['EOSE']);
    const slow = open(walls.limitsRate(new VirtualClock(), 1, 'closed'));
    expect(verbs(slow.say('REQ', 's', { kinds: [2] }))).toEqual(['EOSE']);
    expect(verbs(slow.say('REQ', 's', { kinds: [2] }))).toEqual(['CLOSED']);
  });

  it('misbehaves as told', () => {
    const random = seededRandom(1);
    expect(times(open(manners.repeats()).say('REQ', 's', { limit: 2 }))).toEqual([10, 10, 9, 9]);
    expect(times(open(manners.ignoresLimitZero()).say('REQ', 's', { limit: 0 })).length).toBe(10);
    expect(times(open(manners.ignoresUntil()).say('REQ', 's', { until: 3, limit: 2 }))).toEqual([10, 9]);
    expect(times(open(manners.unsorted(random)).say('REQ', 's', {}))).not.toEqual([
      10, 9, 8, 7, 6, 5, 4, 3, 2, 1,
    ]);
    expect(times(open(manners.endless(random, 5, 3)).say('REQ', 's', { kinds: [1], until: 9 })).length).toBe(
      5,
    );
    const spoilt = open(manners.spoils(1, 'signature')).say('REQ', 's', { limit: 1 });
    expect(spoilt[0]?.[2]).toMatchObject({ sig: '0'.repeat(128) });
    const { relay } = open(manners.withholds(0.5));
    expect([...relay.events.all()].filter((event) => relay.delivers(event)).length).toBeLessThan(10);
  });
});
