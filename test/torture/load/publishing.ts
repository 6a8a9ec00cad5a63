import { createHash } from 'node:crypto';
import { machineMs } from '../../../bench/system/statistics.js';
import { randomInteger, seededRandom } from '../../../src/lib/random.js';
import { QuickSigner } from '../../support/quick-signing.js';
import type { FleetSettings, Reporter } from './fleet.js';
import { complaintOf, connectAll, type HonestClient } from './honest-client.js';
import { HonestRecord, type HonestReport } from './honest-record.js';

type Settings = FleetSettings & { role: 'publishing' };

const network = 66;
const tickMs = 5;
const answerMsMax = 60_000;
const sweepMs = 5_000;
/** Of so many events of a client, one is a deletion of the one before it. */
const deletionOneOf = 50;

type Publisher = {
  readonly client: HonestClient;
  readonly signer: QuickSigner;
  published: number;
  last: string | undefined;
};

/** Clients that comment on repositories and open issues, at a steady rate; now and then one deletes what it said. */
export async function openPublishing(settings: Settings): Promise<Reporter<HonestReport>> {
  const record = new HonestRecord();
  const sentAt = new Map<string, number>();
  const clients = await connectAll(settings.url, settings.clients, network, record);
  const publishers = clients.map((client, index): Publisher => {
    client.onWord = (word) => onWord(word, sentAt, record);
    const secret = createHash('sha256').update(`publisher ${settings.seed} ${index}`).digest();
    return { client, signer: new QuickSigner(secret), published: 0, last: undefined };
  });
  const random = seededRandom(settings.seed);
  const beganAt = machineMs();
  let published = 0;
  setInterval(() => {
    const due = Math.floor(((machineMs() - beganAt) / 1_000) * settings.eventsPerSecond);
    for (; published < due; published += 1) {
      const publisher = publishers[published % publishers.length] as Publisher;
      const address = settings.addresses[randomInteger(random, settings.addresses.length)] as string;
      const event = nextEvent(publisher, address, published, settings);
      sentAt.set(event.id, machineMs());
      publisher.client.send('EVENT', event);
    }
  }, tickMs);
  setInterval(() => {
    const overdue = machineMs() - answerMsMax;
    for (const [id, at] of sentAt) {
      if (at >= overdue) break;
      record.complain(`no OK for ${id}`);
      sentAt.delete(id);
    }
  }, sweepMs);
  return (anew) => record.take(anew);
}

function onWord(
  word: readonly [type: string, subject: string, ...rest: unknown[]],
  sentAt: Map<string, number>,
  record: HonestRecord,
): void {
  const [type, id, isTaken, reason] = word;
  const complaint = complaintOf(word);
  if (complaint !== undefined) record.complain(`publishing client: ${complaint}`);
  if (type !== 'OK') return;
  const at = sentAt.get(id);
  if (at !== undefined) record.answered(machineMs() - at);
  sentAt.delete(id);
  if (isTaken !== true) record.complain(`an event was refused: ${reason}`);
}

function nextEvent(publisher: Publisher, address: string, number: number, settings: Settings) {
  const { signer, last } = publisher;
  publisher.published += 1;
  const created_at = Math.floor(Date.now() / 1_000);
  const isKept = settings.keptOneOf !== undefined && number % settings.keptOneOf === 0;
  const expiration = isKept ? [] : [['expiration', String(created_at + settings.lifeSeconds)]];
  if (last !== undefined && publisher.published % deletionOneOf === 0) {
    publisher.last = undefined;
    return signer.sign({ kind: 5, created_at, content: '', tags: [['e', last], ...expiration] });
  }
  const event = signer.sign({
    kind: number % 8 === 0 ? 1621 : 1111,
    created_at,
    content: `Number ${number}: the patch adds a test for when a relay drops its connection. `.repeat(4),
    tags: [['A', address], ['a', address], ['p', address.split(':')[1] ?? ''], ...expiration],
  });
  publisher.last = event.id;
  return event;
}
