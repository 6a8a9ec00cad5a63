import { type Random, randomInteger } from '../../../src/lib/random.js';
import { addressTextOf } from '../../../src/nostr/address.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { QuickSigner } from '../../support/quick-signing.js';
import { TestClient } from '../../support/test-client.js';
import type { Promised } from './promised.js';

type PublishAnswer = Awaited<ReturnType<TestClient['publish']>>;

/** Events of one connection: the relay takes 60 a minute from each. */
const eventsPerConnection = 50;

/** A clock that gives each event a second of its own, all of them in the past. */
export class EventSeconds {
  #next = Math.floor(Date.now() / 1_000) - 10_000_000;

  get now(): number {
    return this.#next;
  }

  next(): number {
    this.#next += 1;
    return this.#next;
  }
}

export type WriterParts = {
  readonly url: string;
  readonly promised: Promised;
  readonly random: Random;
  readonly seconds: EventSeconds;
  /** The address of an announced repository, on which all hangs. */
  readonly repository: string;
  /** Told when something was accepted that had been deleted. */
  readonly onUndeleted: (event: NostrEvent) => void;
};

/** Publishes events of all sorts, one after the other, each of its own key, and deletes and replaces them. */
export class Writer {
  readonly signer: QuickSigner;
  /** What it published and may delete. */
  readonly #own: NostrEvent[] = [];
  readonly #deleted: NostrEvent[] = [];

  constructor(number: number) {
    this.signer = new QuickSigner(new Uint8Array(32).fill(number + 1));
  }

  /** Until it is stopped, or the daemon is gone. */
  async write(parts: WriterParts, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await using client = await TestClient.connect(parts.url);
      for (let count = 0; count < eventsPerConnection && !signal.aborted; count += 1)
        await this.#one(client, parts);
    }
  }

  async #one(client: TestClient, parts: WriterParts): Promise<void> {
    const { promised, random } = parts;
    const again = this.#deleted[randomInteger(random, this.#deleted.length)];
    if (again !== undefined && randomInteger(random, 20) === 0) {
      if ((await client.publish(again)).accepted) parts.onUndeleted(again);
      return;
    }
    const [event, targets] = this.#next(parts);
    promised.asked(event);
    if (!note(promised, event, await client.publish(event))) return;
    if (targets.length === 0) this.#own.push(event);
    for (const target of targets) {
      this.#own.splice(this.#own.indexOf(target), 1);
      this.#deleted.push(target);
    }
  }

  /** The next event, and what it deletes. */
  #next(parts: WriterParts): [event: NostrEvent, targets: readonly NostrEvent[]] {
    const { random, seconds, repository } = parts;
    const sign = (kind: number, tags: string[][]) =>
      this.signer.sign({
        kind,
        tags,
        created_at: seconds.next(),
        content: 'x'.repeat(randomInteger(random, 400)),
      });
    const a = ['a', repository];
    const dice = randomInteger(random, 100);
    const target = this.#own[randomInteger(random, this.#own.length)];
    if (dice < 12 && target !== undefined) return [sign(5, [['e', target.id]]), [target]];
    if (dice < 20 && target !== undefined) {
      const address = addressTextOf(target);
      if (address !== undefined) {
        const targets = this.#own.filter((own) => addressTextOf(own) === address);
        return [sign(5, [['a', address]]), targets];
      }
    }
    if (dice < 30) {
      const expiration = Math.floor(Date.now() / 1_000) + 2 + randomInteger(random, 15);
      return [sign(1621, [a, ['expiration', String(expiration)]]), []];
    }
    if (dice < 40) return [sign(10317, [['g', `wss://${dice}.example`]]), []];
    if (dice < 55) return [sign(30023, [a, ['d', String(randomInteger(random, 4))]]), []];
    return [sign([1621, 1617, 1111][randomInteger(random, 3)]!, [a]), []];
  }
}

/** Publishes as many events at once as a connection may, over one connection after the other, until it is stopped. */
export async function flood(
  signer: QuickSigner,
  { url, promised, seconds, repository }: WriterParts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await using client = await TestClient.connect(url);
    const answers = Array.from({ length: eventsPerConnection }, async () => {
      const event = signer.sign({
        kind: 1621,
        tags: [['a', repository]],
        created_at: seconds.next(),
        content: 'flood',
      });
      promised.asked(event);
      note(promised, event, await client.publish(event));
    });
    await Promise.all(answers);
  }
}

/** Notes what the relay said to an event; whether it was taken. */
function note(promised: Promised, event: NostrEvent, { accepted, reason }: PublishAnswer): boolean {
  if (accepted) promised.acknowledged(event);
  // One that failed may still be stored, and what it replaces be gone: it is in doubt.
  else if (!reason.startsWith('error:')) promised.refused(event);
  return accepted;
}
