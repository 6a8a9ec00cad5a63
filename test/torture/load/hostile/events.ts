import { createHash, randomBytes } from 'node:crypto';
import { QuickSigner } from '../../../support/quick-signing.js';
import { type Attack, flood, openSocket } from './attack.js';

const lifeMs = 30_000;

/** Events that are forged, changed, of no use here, or the same again and again. */
const events: Attack = {
  name: 'floods of events',
  async run(attacker) {
    const socket = await openSocket(attacker);
    socket.on('message', () => {});
    const signer = new QuickSigner(createHash('sha256').update(attacker.address).digest());
    const address = attacker.target.addresses[0] ?? '';
    const made = (number: number, tags: string[][], content = `${number}`) =>
      signer.sign({ kind: 1111, created_at: Math.floor(Date.now() / 1_000), tags, content });
    const again = made(0, []);
    await flood(attacker, socket, lifeMs, (number) => {
      switch (number % 6) {
        case 0:
          return JSON.stringify([
            'EVENT',
            { ...made(number, [['a', address]]), sig: randomBytes(64).toString('hex') },
          ]);
        case 1:
          return JSON.stringify(['EVENT', { ...made(number, [['a', address]]), content: 'another' }]);
        case 2:
          return JSON.stringify(['EVENT', made(number, [['e', randomBytes(32).toString('hex')]])]);
        case 3:
          return JSON.stringify(['EVENT', again]);
        case 4:
          return JSON.stringify([
            'EVENT',
            made(
              number,
              Array.from({ length: 2_000 }, (_, at) => ['t', `${at}`]),
            ),
          ]);
        default:
          return JSON.stringify(['AUTH', made(number, [])]);
      }
    });
  },
};

/** Messages that are too long, that come in a thousand pieces, and pings without end. */
const giants: Attack = {
  name: 'giant frames',
  async run(attacker) {
    const giant = await openSocket(attacker);
    await flood(attacker, giant, lifeMs, () => `["EVENT",{"content":"${'x'.repeat(1_300_000)}"}]`);
    const large = await openSocket(attacker);
    await flood(attacker, large, 5_000, () => `["REQ","x",{"#t":["${'x'.repeat(1_150_000)}"]}]`);
    const pieces = await openSocket(attacker);
    for (let sent = 0; sent < 2_000 && pieces.readyState === pieces.OPEN; sent += 1)
      await new Promise<void>((resolve) => pieces.send('x', { fin: false }, () => resolve()));
    pieces.terminate();
    const pings = await openSocket(attacker);
    for (let sent = 0; sent < 2_000 && pings.readyState === pings.OPEN; sent += 1)
      await new Promise<void>((resolve) => pings.ping('x', true, () => resolve()));
    attacker.count.sent += 4_000;
    pings.terminate();
  },
};

export const eventAttacks: readonly Attack[] = [events, giants];
