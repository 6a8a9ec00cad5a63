import { seededRandom } from '../../../../src/lib/random.js';
import type { FleetSettings, Reporter } from '../fleet.js';
import { addressOf } from '../honest-client.js';
import { type Attack, type Attacker, type HostileReport, pause } from './attack.js';
import { eventAttacks } from './events.js';
import { readerAttacks } from './readers.js';
import { requestAttacks } from './requests.js';
import { socketAttacks } from './sockets.js';

/** All ways to be hostile; clients take them by turns. */
const attacks: readonly Attack[] = [...requestAttacks, ...eventAttacks, ...readerAttacks, ...socketAttacks];

const network = 67;
/** Before a client that was thrown out comes back. */
const pauseMs = 250;

/** Begins; each client goes on with its attack, connecting again whenever it is dropped. */
export function openHostile(settings: FleetSettings & { role: 'hostile' }): Reporter<HostileReport> {
  const counts = new Map<string, { sent: number; connections: number }>();
  for (let client = 0; client < settings.clients; client += 1) {
    const attack = attacks[client % attacks.length] as Attack;
    const count = counts.get(attack.name) ?? { sent: 0, connections: 0 };
    counts.set(attack.name, count);
    const random = seededRandom(settings.seed + client);
    void goOn(attack, { target: settings, random, address: addressOf(network, client), count });
  }
  return (anew) => {
    const report = Object.fromEntries([...counts].map(([name, count]) => [name, { ...count }]));
    if (anew) for (const count of counts.values()) Object.assign(count, { sent: 0, connections: 0 });
    return report;
  };
}

async function goOn(attack: Attack, attacker: Attacker): Promise<void> {
  for (;;) {
    // A connection that is refused or breaks is what an attacker expects.
    await attack.run(attacker).catch(() => {});
    await pause(pauseMs);
  }
}
