import { randomBytes } from 'node:crypto';
import { worstRequests } from '../../../../bench/system/worst-requests.js';
import { randomInteger } from '../../../../src/lib/random.js';
import { type Attack, type Attacker, flood, openSocket } from './attack.js';

const lifeMs = 30_000;
/** Subscriptions that a client has open; the next one takes the place of the first. */
const subscriptions = 8;

/** What cannot be read, in all ways that come to mind. */
const garbage: Attack = {
  name: 'wrong messages',
  async run(attacker) {
    const socket = await openSocket(attacker);
    await flood(attacker, socket, lifeMs, (number) => wrongMessage(attacker, number));
  },
};

function wrongMessage({ random }: Attacker, number: number): string | Buffer {
  const wrong: readonly (() => string | Buffer)[] = [
    () => 'no JSON',
    () => '[]',
    () => '[["REQ"]]',
    () => '["REQ"]',
    () => '["REQ","x",{"ids":"none"}]',
    () => `["REQ","${'x'.repeat(300)}",{}]`,
    () => '["REQ","x",{"limit":-1,"since":1e99}]',
    () => '["EVENT",{}]',
    () => '["EVENT",{"id":"00","pubkey":null,"tags":[[[]]]}]',
    () => '["NEG-MSG","nobody","61"]',
    () => '["AUTH",{"kind":22242}]',
    () => '{"REQ":1}',
    () => `${'['.repeat(20_000)}`,
    () => `["REQ","x",${'{},'.repeat(400)}{}]`,
    () => `["CLOSE","${'\\u0000'.repeat(100)}"]`,
    () => randomBytes(1 + randomInteger(random, 2_000)),
    () => Buffer.from([0xff, 0xfe, 0xc0, 0x80]),
  ];
  return (wrong[number % wrong.length] as () => string | Buffer)();
}

/** The worst legal requests, one after the other. */
const costly: Attack = {
  name: 'costly requests',
  async run(attacker) {
    const socket = await openSocket(attacker);
    socket.on('message', () => {});
    const { authors, addresses } = attacker.target;
    const known = { authors: authors.slice(0, 2_000), addresses };
    const frames = worstRequests(known, 1).flatMap((filters) =>
      ['REQ', 'COUNT'].map((type) => JSON.stringify([type, 'ID', ...filters])),
    );
    await flood(attacker, socket, lifeMs, (number) =>
      frames[number % frames.length]?.replace('ID', `costly-${number % subscriptions}`),
    );
  },
};

/** Reconciliations that are begun and left, cut off, or answered with what means nothing (NIP-77). */
const negentropy: Attack = {
  name: 'negentropy abuse',
  async run(attacker) {
    const socket = await openSocket(attacker);
    socket.on('message', () => {});
    const { random, target } = attacker;
    await flood(attacker, socket, lifeMs, (number) => {
      const id = `neg-${randomInteger(random, 40)}`;
      const address = target.addresses[randomInteger(random, target.addresses.length)];
      switch (number % 5) {
        case 0:
          return JSON.stringify(['NEG-OPEN', id, { since: number }, '6100000200']);
        case 1:
          return JSON.stringify([
            'NEG-OPEN',
            id,
            { '#a': [address] },
            `61${randomBytes(200).toString('hex')}`,
          ]);
        case 2:
          return JSON.stringify([
            'NEG-MSG',
            id,
            `61${randomBytes(randomInteger(random, 30_000)).toString('hex')}`,
          ]);
        case 3:
          // Ranges of one second each, for all of which fingerprints are asked.
          return JSON.stringify(['NEG-MSG', id, `61${`02000${'1'}${'00'.repeat(16)}`.repeat(1_000)}`]);
        default:
          return JSON.stringify(['NEG-CLOSE', `neg-${randomInteger(random, 40)}`]);
      }
    });
  },
};

/** As many subscriptions as may be had, of many values each, opened and closed again and again. */
const hoarding: Attack = {
  name: 'subscription hoards',
  async run(attacker) {
    const socket = await openSocket(attacker);
    socket.on('message', () => {});
    await flood(attacker, socket, lifeMs, (number) => {
      const id = `hoard-${number % 600}`;
      if (number % 7 === 6) return JSON.stringify(['CLOSE', id]);
      const ids = Array.from({ length: 200 }, () => randomBytes(32).toString('hex'));
      return JSON.stringify(['REQ', id, { '#e': ids, limit: 0 }, { ids, limit: 1 }]);
    });
  },
};

export const requestAttacks: readonly Attack[] = [garbage, costly, negentropy, hoarding];
