import { type Random, randomInteger } from '../../../src/lib/random.js';
import { mutateJson } from './mutate-json.js';
import type { Target } from './target.js';

/** Longest input that a change makes, in bytes; longer ones cost time and find little. */
const inputBytesMax = 100_000;
/** How often, in percent, a piece is repeated until the input is long. */
const longPercent = 1;

/** What is hostile to most parsers. */
const commonWords = [
  '\0',
  '\n',
  '\r\n',
  ' ',
  '"',
  '\\',
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '/',
  '..',
  '%00',
  '%2f',
  '-0',
  '1e999',
  '9007199254740993',
  '__proto__',
  'constructor',
  'toString',
  '\u00a0',
  '\ufeff',
  '€',
  '\u{10ffff}',
  '\\ud800',
  'null',
  'true',
].map((word) => Buffer.from(word));
const invalidUtf8 = [Buffer.of(0xff), Buffer.of(0xc3), Buffer.of(0xed, 0xa0, 0x80)];

/** Makes inputs of a target out of others. */
export class Mutator {
  readonly #random: Random;
  readonly #form: Target['form'];
  readonly #words: readonly Buffer[];

  constructor({ form, words = [] }: Pick<Target, 'form' | 'words'>, random: Random) {
    this.#random = random;
    this.#form = form;
    const own = words.map((word) => Buffer.from(word, 'latin1'));
    this.#words = [...own, ...own, ...commonWords, ...invalidUtf8];
  }

  /** An input that is one of the corpus with one to four changes. */
  next(corpus: readonly Buffer[]): Buffer {
    let input = this.#one(corpus);
    for (let changes = 1 + this.#draw(4); changes > 0; changes -= 1) input = this.#change(input, corpus);
    return input.length > inputBytesMax ? input.subarray(0, inputBytesMax) : input;
  }

  #change(input: Buffer, corpus: readonly Buffer[]): Buffer {
    if (this.#form === 'json' && this.#draw(3) > 0) {
      const changed = mutateJson(input.toString('utf8'), this.#random);
      if (changed !== undefined) return Buffer.from(changed);
    }
    const at = this.#draw(input.length + 1);
    const to = Math.min(input.length, at + 1 + this.#draw(this.#draw(4) === 0 ? 64 : 6));
    const [before, piece, after] = [input.subarray(0, at), input.subarray(at, to), input.subarray(to)];
    if (this.#draw(100) < longPercent) {
      const times = Math.floor(inputBytesMax / Math.max(1, piece.length) / (1 + this.#draw(200)));
      return Buffer.concat([before, ...Array.from({ length: Math.min(times, 20_000) }, () => piece), after]);
    }
    switch (this.#draw(8)) {
      case 0:
        return Buffer.concat([before, this.#one(this.#words), input.subarray(at)]);
      case 1:
        return Buffer.concat([before, this.#one(this.#words), after]);
      case 2:
        return Buffer.concat([before, after]);
      case 3:
        return Buffer.concat([before, piece, piece, after]);
      case 4:
        return Buffer.concat([before, Buffer.of(this.#draw(256)), input.subarray(at + 1)]);
      case 5:
        return flipped(input, at, this.#draw(8));
      case 6:
        return this.#draw(2) === 0 ? before : input.subarray(at);
      default: {
        const other = this.#one(corpus);
        return Buffer.concat([before, other.subarray(this.#draw(other.length + 1))]);
      }
    }
  }

  #one(some: readonly Buffer[]): Buffer {
    return some[this.#draw(some.length)] ?? Buffer.alloc(0);
  }

  #draw(below: number): number {
    return randomInteger(this.#random, below);
  }
}

function flipped(input: Buffer, at: number, bit: number): Buffer {
  const changed = Buffer.from(input);
  if (at < changed.length) changed[at] = (changed[at] as number) ^ (1 << bit);
  return changed;
}
