import { describe, expect, it } from 'vitest';
import type { AdmissionOutcome } from '../../src/admission/admission.js';
import { limits } from '../../src/config/limits.js';
import { type ImportReport, runImport } from '../../src/import/import-run.js';
import { deferred } from '../../src/lib/abort.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { eventually } from '../support/eventually.js';
import { VirtualClock } from '../support/virtual-clock.js';

const never = new AbortController().signal;
const stored: AdmissionOutcome = { type: 'stored' };

function line(number: number): Buffer {
  const id = number.toString(16).padStart(64, '0');
  const event = { id, pubkey: id, created_at: 1, kind: 1, tags: [], content: '', sig: '0'.repeat(128) };
  return Buffer.from(`${JSON.stringify(event)}\n`);
}

async function* input(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function parts(submit: (event: NostrEvent) => Promise<AdmissionOutcome>, unaligned = 0) {
  const clock = new VirtualClock();
  return {
    clock,
    admission: { submit, waitForCapacity: async () => {}, announced: async () => {} },
    alignment: { pending: 3, idle: async () => unaligned },
  };
}

async function all(reports: AsyncIterable<ImportReport>): Promise<ImportReport[]> {
  const seen: ImportReport[] = [];
  for await (const report of reports) seen.push(report);
  return seen;
}

describe('an import', () => {
  it('ends with what became of the lines, why events were refused, and which repositories are left', async () => {
    const refused: AdmissionOutcome = { type: 'refused', reason: 'blocked: x' };
    const run = parts(async ({ id }) => (id.endsWith('1') ? stored : refused), 2);
    const reports = await all(runImport(input(line(1), line(2), Buffer.from('x')), run, never));
    expect(reports.at(-1)).toEqual({
      bytes: line(1).length * 2 + 1,
      counts: { stored: 1, known: 0, refused: 1, malformed: 1 },
      toAlign: 3,
      end: { type: 'whole', reasons: [['blocked: x', 1]], unaligned: 2 },
    });
  });

  it('tells now and then how far it is', async () => {
    const rest = deferred<void>();
    const run = parts(async () => stored);
    const slow = async function* () {
      yield line(1);
      await rest.promise;
      yield line(2);
    };
    const reports = runImport(slow(), run, never);
    await reports.next();
    const next = reports.next();
    await eventually(() => run.clock.advance(limits.importReportMs).then(() => true));
    expect((await next).value).toMatchObject({ bytes: line(1).length });
    rest.resolve();
    expect((await all(reports)).at(-1)?.counts.stored).toBe(2);
  });

  it('says of a line that is too long that it cannot read on, and what became of those before', async () => {
    const tooLong = Buffer.alloc(limits.importLineBytesMax + 1, 'x');
    const [last] = (
      await all(
        runImport(
          input(line(1), tooLong),
          parts(async () => stored),
          never,
        ),
      )
    ).slice(-1);
    expect(last).toMatchObject({ counts: { stored: 1 }, end: { type: 'unreadable' } });
  });

  it('that fails waits for what is under way, which may still be put aside, and tells how far it was', async () => {
    const late = deferred<AdmissionOutcome>();
    let isOver = false;
    const run = parts(async ({ id }) => {
      if (id.endsWith('1')) throw new Error('the disk is gone');
      return await late.promise;
    });
    const seen: ImportReport[] = [];
    const ended = (async () => {
      for await (const report of runImport(input(line(1), line(2)), run, never)) seen.push(report);
    })().finally(() => {
      isOver = true;
    });
    ended.catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    late.resolve({ type: 'refused', reason: 'blocked: x' });
    await expect(ended).rejects.toThrow('the disk is gone');
    expect(seen.at(-1)?.counts.refused).toBe(1);
  });

  it('ends with its signal, and with who reads its reports, also while its input says nothing', async () => {
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const stop = new AbortController();
    const reports = all(
      runImport(
        silent,
        parts(async () => stored),
        stop.signal,
      ),
    );
    stop.abort(new Error('told to stop'));
    await expect(reports).rejects.toThrow('told to stop');
    for await (const _ of runImport(
      silent,
      parts(async () => stored),
      never,
    ))
      break;
  });
});
