import { machineMs } from '../../../bench/system/statistics.js';
import { type Random, randomInteger, seededRandom } from '../../../src/lib/random.js';
import type { FleetSettings, Reporter } from './fleet.js';
import { complaintOf, connectAll, type HonestClient } from './honest-client.js';
import { HonestRecord, type HonestReport } from './honest-record.js';

type Settings = FleetSettings & { role: 'asking' };

const network = 65;
/** How often it is looked whether a request is due. */
const tickMs = 10;
/** An answer that takes longer counts as none. */
const answerMsMax = 60_000;
/** The first message of a reconciliation by one who has nothing (NIP-77). */
const emptySetPayload = '6100000200';

/** A client, and what it waits for; it asks one thing after the other. */
type Asker = {
  readonly client: HonestClient;
  waiting: { readonly id: string; readonly sentAt: number } | undefined;
};

/** Clients that follow a repository each, and ask what clients ask: REQ mostly, COUNT, and a reconciliation. */
export async function openAsking(settings: Settings): Promise<Reporter<HonestReport>> {
  const record = new HonestRecord();
  const random = seededRandom(settings.seed);
  const clients = await connectAll(settings.url, settings.clients, network, record);
  const askers = clients.map((client, index) => {
    const asker: Asker = { client, waiting: undefined };
    client.onWord = (word) => {
      const complaint = complaintOf(word);
      if (complaint !== undefined) record.complain(`asking client: ${complaint}`);
      if (asker.waiting?.id !== word[1]) return;
      record.answered(machineMs() - asker.waiting.sentAt);
      client.send(word[0].startsWith('NEG') ? 'NEG-CLOSE' : 'CLOSE', asker.waiting.id);
      asker.waiting = undefined;
    };
    client.send('REQ', 'live', { '#a': [settings.addresses[index % settings.addresses.length]], limit: 0 });
    return asker;
  });
  const beganAt = machineMs();
  let asked = 0;
  setInterval(() => {
    const due = Math.floor(((machineMs() - beganAt) / 1_000) * settings.requestsPerSecond);
    for (; asked < due; asked += 1)
      ask(askers[asked % askers.length] as Asker, asked, settings, random, record);
  }, tickMs);
  return (anew) => record.take(anew);
}

function ask(asker: Asker, number: number, settings: Settings, random: Random, record: HonestRecord): void {
  if (asker.waiting !== undefined) {
    if (machineMs() - asker.waiting.sentAt > answerMsMax) {
      record.complain(`no answer to ${asker.waiting.id}`);
      asker.waiting = undefined;
    }
    return;
  }
  const message = messageOf(number, settings, random);
  asker.waiting = { id: message[1], sentAt: machineMs() };
  asker.client.send(...message);
}

function messageOf(
  number: number,
  settings: Settings,
  random: Random,
): [type: string, id: string, ...rest: unknown[]] {
  const pick = (list: readonly string[]) => list[randomInteger(random, list.length)] as string;
  const id = `ask-${number}`;
  const some = Array.from({ length: 5 }, () => pick(settings.addresses));
  switch (number % 10) {
    case 0:
      return ['COUNT', id, { '#a': [pick(settings.addresses)] }];
    case 1:
      return ['NEG-OPEN', id, { '#a': [pick(settings.addresses)] }, emptySetPayload];
    case 2:
      return ['REQ', id, { kinds: [30617, 30618], limit: 50 }];
    case 3:
      return ['REQ', id, { authors: [pick(settings.authors), pick(settings.authors)], limit: 20 }];
    case 4:
      return ['REQ', id, { kinds: [1617, 1618, 1621], '#a': some, limit: 20 }];
    default:
      return ['REQ', id, { '#a': [pick(settings.addresses)], limit: 20 }];
  }
}
