import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { seededRandom } from '../../src/lib/random.js';
import { NegentropyClient } from '../../src/negentropy/client.js';
import { NegentropyError } from '../../src/negentropy/errors.js';
import { NegentropyServer } from '../../src/negentropy/server.js';
import { highestBound, lowestBound } from '../../src/negentropy/wire/bound.js';
import { MessageReader } from '../../src/negentropy/wire/reader.js';
import { MessageWriter } from '../../src/negentropy/wire/writer.js';
import { codeOf } from './error-code.js';
import { exchange } from './exchange.js';
import { makeSets } from './sets.js';
import { sortedStorage } from './sorted-storage.js';

const sets = makeSets({ seed: 9, shared: 1_000, onlyOurs: 20, onlyTheirs: 20 });
const storage = sortedStorage(sets.ours);
const newClient = (needIdsMax = 1_000) => new NegentropyClient(storage, { frameBytesMax: 4_096, needIdsMax });

describe('a hostile server', () => {
  test('that answers nothing of what it is asked is given up', () => {
    const everything = new MessageWriter(storage);
    everything.fingerprint(highestBound, 0, 0);
    const answer = everything.finish();
    expect(codeOf(() => exchange(newClient(), () => answer))).toBe('no_progress');
    expect(codeOf(() => exchange(newClient(), (message) => message))).toBe('no_progress');
  });

  test('that halves its ranges for ever is given up', () => {
    const halve = (message: Uint8Array): Uint8Array => {
      const reader = new MessageReader(message);
      const writer = new MessageWriter(storage);
      let lower = lowestBound;
      for (let range = reader.next(); range !== undefined; lower = range.upper, range = reader.next()) {
        if (range.mode === 'skip') {
          writer.skip(range.upper);
          continue;
        }
        const middle = (lower.timestamp + range.upper.timestamp) / 2n;
        if (middle > lower.timestamp)
          writer.fingerprint({ timestamp: middle, prefix: new Uint8Array(0) }, 0, 0);
        writer.fingerprint(range.upper, 0, 0);
      }
      return writer.finish();
    };
    expect(['too_many_rounds', 'no_progress']).toContain(codeOf(() => exchange(newClient(), halve)));
  });

  test('that opens very many ranges has only those looked up anew that are asked about, when the set changes', () => {
    const items = Array.from({ length: 10_000 }, (_, at) => {
      const id = new Uint8Array(32);
      new DataView(id.buffer).setUint32(0, at * 7919);
      return { timestamp: BigInt(at + 1), id };
    });
    let lookUps = 0;
    const inner = sortedStorage(items);
    const changing = {
      ...inner,
      version: 0,
      lowerBound: (...bound: Parameters<typeof inner.lowerBound>) => {
        lookUps += 1;
        return inner.lowerBound(...bound);
      },
    };
    const client = new NegentropyClient(changing, { frameBytesMax: 4_096, needIdsMax: 1_000 });
    client.initiate();
    const everywhere = new MessageWriter(inner);
    // Of two items for each range, while ours have one.
    for (let at = 2; at <= 10_000; at += 1)
      everywhere.fingerprint({ timestamp: BigInt(at), prefix: new Uint8Array(0) }, 0, 2);
    client.receive(everywhere.finish());
    expect(client.openRanges).toBeGreaterThan(5_000);
    changing.version += 1;
    lookUps = 0;
    client.receive(Uint8Array.of(0x61));
    expect(lookUps).toBeGreaterThan(0);
    expect(lookUps).toBeLessThan(2_000);
  });

  test('that names ids without end is given up at the limit', () => {
    const junk = makeSets({ seed: 10, shared: 0, onlyOurs: 100, onlyTheirs: 0 });
    const junkStorage = sortedStorage(junk.ours);
    const writer = new MessageWriter(junkStorage);
    writer.ids(highestBound, 0, 100);
    const answer = writer.finish();
    expect(codeOf(() => exchange(newClient(99), () => answer))).toBe('too_many_needed');
    expect(exchange(newClient(100), () => answer).need).toHaveLength(100);
  });

  test('that tells of what was not asked is given up', () => {
    const client = new NegentropyClient(
      sortedStorage(makeSets({ seed: 1, shared: 40, onlyOurs: 0, onlyTheirs: 0 }).ours),
      {
        frameBytesMax: 4_096,
        needIdsMax: 1_000,
      },
    );
    client.initiate();
    // The first answer leaves open only what lies above the middle.
    const piece = new MessageWriter(storage);
    const middle = { timestamp: storage.timestampAt(500), prefix: new Uint8Array(0) };
    piece.skip(middle);
    piece.fingerprint(highestBound, 0, 0);
    expect(client.receive(piece.finish()).next).toBeDefined();
    const below = new MessageWriter(storage);
    below.ids(middle, 0, 1);
    expect(codeOf(() => client.receive(below.finish()))).toBe('unasked_range');
    expect(client.state.status).toBe('failed');
    expect(codeOf(() => client.receive(Uint8Array.of(0x61)))).toBe('wrong_state');
  });

  test('that speaks another version is told apart', () => {
    const client = newClient();
    expect(codeOf(() => client.receive(Uint8Array.of(0x61)))).toBe('wrong_state');
    client.initiate();
    expect(codeOf(() => client.initiate())).toBe('wrong_state');
    expect(codeOf(() => client.receive(Uint8Array.of(0x62)))).toBe('unsupported_version');
  });
});

describe('a hostile client', () => {
  test('of another version learns ours', () => {
    expect(new NegentropyServer(storage, 0).respond(Uint8Array.of(0x62, 1, 2, 3))).toEqual(
      Uint8Array.of(0x61),
    );
    expect(codeOf(() => new NegentropyServer(storage, 0).respond(Uint8Array.of(0x30)))).toBe('bad_version');
  });

  test('gets no more than a frame, whatever it asks', () => {
    const server = new NegentropyServer(storage, 4_096);
    const ask = new MessageWriter(storage);
    for (let index = 1; index < storage.size; index += 1) {
      const upper = { timestamp: storage.timestampAt(index), prefix: storage.idAt(index) };
      if (index % 2 === 0) ask.fingerprint(upper, 0, 0);
      else ask.ids(upper, 0, 0);
    }
    expect(server.respond(ask.finish()).length).toBeLessThanOrEqual(4_096);
  });

  test('that sends very many short ranges is answered for as many as are dealt with, and told that the rest is put off', () => {
    const ranges = limits.negentropyMessageRangesMax;
    let lookUps = 0;
    const counting = {
      ...storage,
      size: storage.size,
      lowerBound: (...bound: Parameters<typeof storage.lowerBound>) => {
        lookUps += 1;
        return storage.lowerBound(...bound);
      },
    };
    const ask = new MessageWriter(storage);
    const from = Number(storage.timestampAt(0));
    for (let at = 0; at < ranges * 3; at += 1) {
      ask.ids({ timestamp: BigInt(from + at), prefix: new Uint8Array(0) }, 0, 0);
    }
    const answer = new MessageReader(new NegentropyServer(counting, 0).respond(ask.finish()));
    expect(lookUps).toBeLessThanOrEqual(2 * ranges + 2);
    const answered = [];
    for (let range = answer.next(); range !== undefined; range = answer.next()) answered.push(range);
    expect(answered).toHaveLength(ranges);
    expect(answered.at(-1)).toMatchObject({ mode: 'ids' });
    expect(answer.isCut).toBe(true);
  });

  test('frame limits below the least are refused', () => {
    expect(codeOf(() => new NegentropyServer(storage, 4_095))).toBe('frame_limit_too_small');
    expect(codeOf(() => new NegentropyClient(storage, { frameBytesMax: 1, needIdsMax: 1 }))).toBe(
      'frame_limit_too_small',
    );
  });
});

describe('damaged messages', () => {
  /** Changes, removes, doubles or inserts bytes at a few places. */
  function damage(message: Uint8Array, seed: number): Uint8Array {
    const random = seededRandom(seed);
    let bytes = [...message];
    for (let change = 0; change < 1 + (seed % 4); change += 1) {
      const at = 1 + Math.floor(random.next() * (bytes.length - 1));
      const kind = Math.floor(random.next() * 4);
      if (kind === 0) bytes[at] = Math.floor(random.next() * 256);
      else if (kind === 1) bytes.splice(at, 1 + Math.floor(random.next() * 20));
      else if (kind === 2) bytes.splice(at, 0, ...bytes.slice(at, at + 30));
      else bytes = bytes.slice(0, at + 1);
    }
    return Uint8Array.from(bytes);
  }

  test('never hang and throw nothing but NegentropyError, in both roles', () => {
    const other = sortedStorage(sets.theirs);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 30 }), fc.boolean(), (seed, damageQuestions) => {
        const server = new NegentropyServer(other, 4_096);
        let round = 0;
        const respond = (message: Uint8Array): Uint8Array => {
          round += 1;
          if (round > 3) return server.respond(message);
          if (damageQuestions) return server.respond(damage(message, seed + round));
          return damage(server.respond(message), seed + round);
        };
        try {
          const { rounds } = exchange(newClient(), respond);
          expect(rounds).toBeLessThan(100);
        } catch (error) {
          if (!(error instanceof NegentropyError)) throw error;
        }
      }),
      { seed: 11, numRuns: 150 },
    );
  });
});
