import { expect, test } from 'vitest';
import type { Admission, AdmissionOutcome } from '../../src/admission/admission.js';
import { type ImportCounts, importEvents } from '../../src/import/import-events.js';
import type { NostrEvent } from '../../src/nostr/event.js';

/** An event that the fake admission takes only when the event with id `after` is stored. */
function event(number: number, after?: number): NostrEvent {
  const id = (n: number): string => n.toString(16).padStart(64, '0');
  return {
    id: id(number),
    pubkey: id(0),
    created_at: 1,
    kind: 1,
    tags: after === undefined ? [] : [['e', id(after)]],
    content: '€',
    sig: '0'.repeat(128),
  };
}

type FakeAdmission = Pick<Admission, 'submit' | 'waitForCapacity'> & { readonly submitted: string[] };

function fakeAdmission(fails = false): FakeAdmission {
  const stored = new Set<string>();
  const submitted: string[] = [];
  return {
    submitted,
    waitForCapacity: async () => {},
    async submit({ id, tags }): Promise<AdmissionOutcome> {
      if (fails) throw new Error('the disk is full');
      submitted.push(id);
      if (stored.has(id)) return { type: 'known', reason: 'duplicate: already have this event' };
      if (tags[0]?.[1] !== undefined && !stored.has(tags[0][1]))
        return { type: 'refused', reason: 'blocked: x' };
      stored.add(id);
      return { type: 'stored' };
    },
  };
}

async function* input(...lines: (NostrEvent | string)[]): AsyncGenerator<Uint8Array> {
  for (const line of lines) yield Buffer.from(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
}

const none = (): ImportCounts => ({ stored: 0, known: 0, refused: 0, malformed: 0 });
const signal = new AbortController().signal;

test('events are stored in whatever order they come', async () => {
  const counts = none();
  const lines = Array.from({ length: 20 }, (_, number) =>
    event(20 - number, number === 19 ? undefined : 19 - number),
  );
  const reasons = await importEvents(input(...lines), { admission: fakeAdmission(), counts, signal });
  expect(counts).toEqual({ stored: 20, known: 0, refused: 0, malformed: 0 });
  expect([...reasons]).toEqual([]);
});

test('what stays refused is counted once, with its reason, and tried no longer than it helps', async () => {
  const counts = none();
  const admission = fakeAdmission();
  const lines = [event(2, 1), event(9, 8), event(1), event(1), 'no event', '{"id":1}', ''];
  const reasons = await importEvents(input(...lines), { admission, counts, signal });
  expect(counts).toEqual({ stored: 2, known: 1, refused: 1, malformed: 2 });
  expect([...reasons]).toEqual([['blocked: x', 1]]);
  expect(admission.submitted).toHaveLength(4 + 2 + 1);
});

test('a failing store ends the import', async () => {
  const parts = { admission: fakeAdmission(true), counts: none(), signal };
  await expect(importEvents(input(event(1), event(2)), parts)).rejects.toThrow('the disk is full');
});

test('a signal ends the import', async () => {
  const parts = { admission: fakeAdmission(), counts: none(), signal: AbortSignal.abort() };
  await expect(importEvents(input(event(1)), parts)).rejects.toThrow('aborted');
});
