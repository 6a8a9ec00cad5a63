import { type Random, randomInteger } from '../../../src/lib/random.js';
import { parseBoundedJson } from '../../../src/nostr/bounded-json.js';
import type { QuickSigner } from '../../support/quick-signing.js';
import { mutateJson } from '../fuzz/mutate-json.js';
import { id64, sampleFilters } from '../fuzz/targets/samples.js';

/** A message and the answer that it has to have: one of these types, with that as its second element. */
export type Asked = {
  readonly text: string;
  readonly answers: readonly string[];
  readonly subject: string | undefined;
};

const kinds = [
  0, 1, 3, 5, 6, 7, 16, 1111, 1617, 1618, 1619, 1621, 1984, 20_000, 22_242, 30_617, 30_618, 30_023, 65_535,
];
const payloads = ['61', '6100000200', '61000002'.padEnd(72, '0'), '60', '62', '', 'zz', '61'.repeat(300)];
/** Of a frame that is read in turns. */
const longChars = 70_000;

/** Makes messages of a client that are right, or nearly. */
export class MessageMaker {
  readonly #random: Random;
  readonly #signer: QuickSigner;
  readonly #seconds: number;
  /** The address of a repository that is hosted. */
  readonly #address: string;
  #made = 0;

  constructor(random: Random, signer: QuickSigner, nowSeconds: number, address: string) {
    this.#random = random;
    this.#signer = signer;
    this.#seconds = nowSeconds;
    this.#address = address;
  }

  next(): Asked {
    this.#made += 1;
    const message = this.#message();
    let text = JSON.stringify(message);
    for (let changes = this.#draw(4) - 1; changes > 0; changes -= 1)
      text = mutateJson(text, this.#random) ?? text;
    if (this.#draw(40) === 0) text = text.slice(0, this.#draw(text.length));
    if (this.#draw(60) === 0) text = `${text.slice(0, -1)}${' '.repeat(longChars)}]`;
    return { text, ...answersTo(text) };
  }

  #message(): unknown[] {
    const name = `m${this.#made}`;
    switch (this.#draw(10)) {
      case 0:
        return ['COUNT', name, this.#filter(), ...(this.#draw(3) === 0 ? [this.#filter()] : [])];
      case 1:
        return ['NEG-OPEN', name, this.#filter(), this.#one(payloads)];
      case 2:
        return ['NEG-MSG', `m${this.#made - this.#draw(10)}`, this.#one(payloads)];
      case 3:
        return ['NEG-CLOSE', `n${this.#made}`];
      case 4:
        return ['AUTH', this.#event(22_242)];
      case 5:
      case 6:
        return [
          'REQ',
          name,
          this.#filter(),
          ...(this.#draw(3) === 0 ? [this.#filter(), this.#filter()] : []),
        ];
      default:
        return ['EVENT', this.#event(this.#one(kinds))];
    }
  }

  #filter(): object {
    const filter = { ...this.#one(sampleFilters) };
    return this.#draw(4) === 0 ? { ...filter, limit: this.#draw(3) } : filter;
  }

  #event(kind: number): object {
    const tag = () => [
      this.#one([
        'e',
        'p',
        'a',
        'd',
        'c',
        'q',
        '-',
        'expiration',
        'clone',
        'relays',
        'refs/heads/main',
        'HEAD',
      ]),
      this.#one([
        id64,
        this.#address,
        this.#address,
        `30617:${this.#signer.pubkey}:port`,
        'port',
        '',
        'c'.repeat(40),
        'ref: refs/heads/main',
        '1',
        'wss://127.1../',
        '\ud800',
      ]),
    ];
    const embedded = { tags: [['-']], pubkey: this.#one([1, null, 'x', { toString: 1 }, [[]]]) };
    const event = this.#signer.sign({
      kind,
      created_at: this.#seconds - this.#draw(1_000),
      // Some are right, and stored.
      tags: this.#draw(3) === 0 ? [['a', this.#address]] : Array.from({ length: this.#draw(5) }, tag),
      content: kind === 6 || kind === 16 ? JSON.stringify(embedded) : `${this.#made}`,
    });
    // A wrong signature, of which nothing may be stored.
    return this.#draw(4) === 0 ? { ...event, content: `${event.content} forged` } : event;
  }

  #one<T>(some: readonly T[]): T {
    return some[this.#draw(some.length)] as T;
  }

  #draw(below: number): number {
    return randomInteger(this.#random, below);
  }
}

const noAnswer = { answers: [], subject: undefined };

/** What has to come for a text, as the NIPs say; nothing where what it is about cannot be seen. */
function answersTo(text: string): Pick<Asked, 'answers' | 'subject'> {
  let message: unknown;
  try {
    message = parseBoundedJson(text);
  } catch {
    return noAnswer;
  }
  if (!Array.isArray(message) || message.length > 64) return noAnswer;
  const [type, subject] = message as unknown[];
  if (type === 'EVENT' || type === 'AUTH') {
    const id = (subject as { id?: unknown } | null | undefined)?.id;
    return typeof id === 'string' ? { answers: ['OK'], subject: id.slice(0, 64) } : noAnswer;
  }
  if (typeof subject !== 'string' || subject === '' || subject.length > 250) return noAnswer;
  if (type === 'REQ') return { answers: ['EOSE', 'CLOSED'], subject };
  if (type === 'COUNT') return { answers: ['COUNT', 'CLOSED'], subject };
  if (type === 'NEG-OPEN' || type === 'NEG-MSG') return { answers: ['NEG-MSG', 'NEG-ERR'], subject };
  return noAnswer;
}
