import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { schnorr } from '@noble/curves/secp256k1.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeBatch, encodeBatch, judgeBatch } from '../../src/admission/verification/batch-codec.js';
import { createPoolVerifier } from '../../src/admission/verification/pool-verifier.js';
import {
  openSignatureCheck,
  type SignatureCheck,
  verdictOn,
} from '../../src/admission/verification/signature-check.js';
import { openSystemSecp256k1 } from '../../src/admission/verification/system-secp256k1.js';
import type { Verifier } from '../../src/admission/verification/verifier.js';
import { openWasmSecp256k1 } from '../../src/admission/verification/wasm-secp256k1.js';
import { fromHex } from '../../src/lib/bytes.js';
import { eventHash, eventJson, type NostrEvent } from '../../src/nostr/event.js';
import { LazyBody } from '../../src/store/log/bodies/body-codec.js';
import { scratchFolder } from '../git/scratch.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { silentFaults } from '../support/faults.js';
import { hasRealEvents, realEvents } from '../support/real-events.js';

const flip = (hex: string): string => (hex[0] === '0' ? '1' : '0') + hex.slice(1);

const good = signedEvent(testIdentity(1), {
  content: 'ünïcode \u2028 "quoted" \\ \n',
  tags: [['e', 'x'], []],
});
const other = signedEvent(testIdentity(2), { content: 'other' });
const cases: readonly [name: string, event: NostrEvent, verdict: string][] = [
  ['a good event', good, 'valid'],
  ['a changed content', { ...good, content: 'changed' }, 'wrong-id'],
  ['a changed id', { ...good, id: flip(good.id) }, 'wrong-id'],
  ['a signature of another event', { ...good, sig: other.sig }, 'wrong-signature'],
  ['a changed signature', { ...good, sig: flip(good.sig) }, 'wrong-signature'],
  ['a signature of zeros', { ...good, sig: '0'.repeat(128) }, 'wrong-signature'],
  ['a signature of ones', { ...good, sig: 'f'.repeat(128) }, 'wrong-signature'],
  ['a key that is no point', withHash({ ...good, pubkey: 'f'.repeat(64) }), 'wrong-signature'],
  ['the key of another', withHash({ ...good, pubkey: other.pubkey }), 'wrong-signature'],
];

function withHash(event: NostrEvent): NostrEvent {
  return { ...event, id: eventHash(event) };
}

function verdictsOf(events: readonly NostrEvent[], check: SignatureCheck): readonly string[] {
  const batch = encodeBatch(events);
  judgeBatch(batch, (message) => verdictOn(message, check));
  return decodeBatch(batch).verdicts;
}

function describeCheck(check: () => SignatureCheck): void {
  it.each(cases)('judges %s', (_, event, verdict) => {
    expect(verdictsOf([event], check())).toEqual([verdict]);
  });

  it('agrees with the oracle on the signatures of many keys', () => {
    const events = Array.from({ length: 50 }, (_, n) => {
      const event = signedEvent(testIdentity(n), { content: `${n}` });
      return n % 3 === 0 ? { ...event, sig: flip(event.sig) } : event;
    });
    const oracle = events.map(({ sig, id, pubkey }) =>
      schnorr.verify(fromHex(sig), fromHex(id), fromHex(pubkey)) ? 'valid' : 'wrong-signature',
    );
    expect(verdictsOf(events, check())).toEqual(oracle);
  });

  it('verifies an event of megabytes', () => {
    const long = signedEvent(testIdentity(3), { content: 'x'.repeat(2_000_000) });
    expect(verdictsOf([long, { ...long, sig: other.sig }, good], check())).toEqual([
      'valid',
      'wrong-signature',
      'valid',
    ]);
  });
}

describe('libsecp256k1 as WASM', () => {
  let check: SignatureCheck;
  beforeAll(async () => {
    check = await openWasmSecp256k1();
  });
  describeCheck(() => check);
});

const system = await openSystemSecp256k1();
describe.skipIf(system === undefined)(
  'libsecp256k1 of the system (skipped where it is not installed)',
  () => {
    describeCheck(() => system as SignatureCheck);

    it('is the one that is chosen', async () => {
      expect((await openSignatureCheck()).name).toBe(system?.name);
    });
  },
);

describe('the pool of workers', () => {
  let verifier: Verifier;
  beforeAll(() => {
    verifier = createPoolVerifier({ workers: 1, faults: silentFaults() });
  });
  afterAll(() => verifier[Symbol.asyncDispose]());

  it('gives the verdicts, and the events as bytes, in the order of the events', async () => {
    const { verdicts, bodies } = await verifier.verify(cases.map(([, event]) => event));
    expect(verdicts).toEqual(cases.map(([, , verdict]) => verdict));
    const written = bodies?.map((body) => new LazyBody(1, body).json);
    expect(written).toEqual(cases.map(([, event]) => eventJson(event)));
  });

  it.each([
    ['throws', "throw new Error('a fault')", 'a fault'],
    ['ends', 'process.exit(3)', 'exited with code: 3'],
    [
      'takes memory without end',
      'const all = []; for (;;) all.push(new Array(1e5).fill(0.5));',
      'memory limit',
    ],
  ])('fails the batch of a thread that %s, and goes on', async (_, act, reason) => {
    using folder = scratchFolder();
    const file = join(folder.path, 'worker.mjs');
    writeFileSync(file, `export function verifyBatch() { ${act} }`);
    await using failing = createPoolVerifier({ workers: 1, faults: silentFaults(), file });
    for (let time = 1; time <= 2; time += 1) await expect(failing.verify([good])).rejects.toThrow(reason);
  });

  it('ends its threads only once they have loaded', async () => {
    using folder = scratchFolder();
    const [file, mark] = [join(folder.path, 'worker.mjs'), join(folder.path, 'loaded')];
    writeFileSync(
      file,
      `import { writeFileSync } from 'node:fs';
       await new Promise((resolve) => setTimeout(resolve, 50));
       writeFileSync(${JSON.stringify(mark)}, '');
       export function verifyBatch() {}`,
    );
    await createPoolVerifier({ workers: 1, faults: silentFaults(), file })[Symbol.asyncDispose]();
    expect(existsSync(mark)).toBe(true);
  });

  it('starts its threads again when they broke at their start', async () => {
    using folder = scratchFolder();
    const file = join(folder.path, 'worker.mjs');
    writeFileSync(file, "throw new Error('a fault at the start')");
    const faults = silentFaults();
    await using broken = createPoolVerifier({ workers: 1, faults, file });
    await eventually(() => faults.counts.get('worker') === 1);
    await expect(broken.verify([good])).rejects.toThrow();
    // Node remembers a module that failed to load, but not for a new thread.
    writeFileSync(file, 'export function verifyBatch(buffer) { return buffer; }');
    await expect(broken.verify([good])).resolves.toBeDefined();
  });

  it('takes several batches at once', async () => {
    const batches = await Promise.all([
      verifier.verify([good]),
      verifier.verify([other, good]),
      verifier.verify([]),
    ]);
    expect(batches.map(({ verdicts }) => verdicts)).toEqual([['valid'], ['valid', 'valid'], []]);
  });

  it.skipIf(!hasRealEvents)('finds every real event valid (skipped where they are absent)', async () => {
    const events = realEvents();
    expect(events).toHaveLength(2288);
    const { verdicts, bodies } = await verifier.verify(events);
    expect(new Set(verdicts)).toEqual(new Set(['valid']));
    expect(bodies?.map((body) => new LazyBody(1, body).json)).toEqual(events.map(eventJson));
  });
});
