import { createHash } from 'node:crypto';
import type { FleetSettings, Reporter } from './fleet.js';
import { complaintOf, connectAll } from './honest-client.js';
import { HonestRecord, type HonestReport } from './honest-record.js';

const network = 64;

/** Clients that wait for what is addressed to them: one subscription each, to which hardly anything comes. */
export async function openIdle(settings: FleetSettings & { role: 'idle' }): Promise<Reporter<HonestReport>> {
  const record = new HonestRecord();
  const clients = await connectAll(settings.url, settings.clients, network, record);
  for (const [index, client] of clients.entries()) {
    const pubkey = createHash('sha256').update(`idle ${settings.seed} ${index}`).digest('hex');
    client.onWord = (word) => {
      const complaint = complaintOf(word);
      if (complaint !== undefined) record.complain(`idle client: ${complaint}`);
    };
    client.send('REQ', 'mine', { '#p': [pubkey], limit: 20 });
  }
  return (anew) => record.take(anew);
}
