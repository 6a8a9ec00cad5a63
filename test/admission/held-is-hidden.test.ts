import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EventSource } from '../../src/admission/admission.js';
import { backgroundTurns } from '../../src/config/background-turns.js';
import { createReferenceKernels } from '../../src/kernels/reference/kernels.js';
import { toHex } from '../../src/lib/bytes.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { KnownSet } from '../../src/store/sets/known-set.js';
import type { LocalSet } from '../../src/store/sets/local-set.js';
import { LocalSets } from '../../src/store/sets/local-sets.js';
import { address, announcement, event, foreign, key, pullRequest, state } from '../policy/world.js';
import { collected, collectedInTurns, idsOf } from '../store/support/answers.js';
import { openHoldingAdmission } from '../support/holding-admission.js';
import { VirtualClock } from '../support/virtual-clock.js';

const people = [key(1), key(2), key(3)];
const identifiers = ['one', 'two'];
const sources: EventSource[] = [
  { type: 'direct' },
  { type: 'direct' },
  { type: 'live_sync', relay: 'wss://a.example' },
];

const person = fc.nat(people.length - 1).map((at) => people[at] as string);
const identifier = fc.nat(identifiers.length - 1).map((at) => identifiers[at] as string);

/** An event of some kind that may hang on an earlier one. */
const submission = fc
  .tuple(fc.nat(6), person, person, identifier, fc.nat(), fc.nat(sources.length - 1))
  .map(([kind, author, other, name, earlier, source]) => ({ kind, author, other, name, earlier, source }));

const step = fc.oneof(
  { weight: 8, arbitrary: submission.map((submitted) => ({ type: 'submit', submitted }) as const) },
  { weight: 3, arbitrary: fc.nat().map((which) => ({ type: 'arrive', which }) as const) },
  { weight: 1, arbitrary: fc.nat(20).map((minutes) => ({ type: 'wait', minutes }) as const) },
  { weight: 1, arbitrary: fc.constant({ type: 'restart' } as const) },
);

type Submission = typeof submission extends fc.Arbitrary<infer Value> ? Value : never;

function made({ kind, author, other, name, earlier }: Submission, known: NostrEvent[]): NostrEvent {
  const before = known[earlier % Math.max(1, known.length)];
  const id = before?.id ?? 'e'.repeat(64);
  const makers = [
    () => announcement(author, name, { maintainers: [other] }),
    () => foreign(author, name, [other]),
    () => state(author, name, ['refs/heads/main', earlier % 2 === 0 ? '1'.repeat(40) : 'abc123']),
    () => pullRequest(author, [address(other, name)]),
    () => event(author, 1621, [['a', address(other, name)]]),
    () => event(author, 1111, [['e', id]]),
    () => event(author, 5, [['e', id]]),
  ];
  return (makers[kind] as () => NostrEvent)();
}

function idsIn(set: LocalSet | undefined): string[] {
  using read = set;
  return Array.from({ length: read?.size ?? 0 }, (_, at) => toHex(read!.idAt(at)));
}

it('What is held is in no query, count, set of ids, local set nor announcement, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const clock = new VirtualClock(Date.UTC(2026, 0, 1));
      const opened = createMemoryStore({ clock });
      const { store, refused } = opened;
      const kernels = createReferenceKernels();
      const localSets = new LocalSets(store, kernels, backgroundTurns(clock, 'care'));
      const knownSet = new KnownSet(store, refused, kernels);
      const known: NostrEvent[] = [];
      let here = await openHoldingAdmission({ opened, clock });
      const fed = new Set<string>();
      const listen = () => here.admission.feed.onAccepted((accepted) => void fed.add(accepted.event.id));
      listen();

      async function check(): Promise<void> {
        const heldIds = [...here.purgatory.all()].map((held) => held.event.id);
        const filters = [{}, { kinds: [30617, 30618] }, { authors: people }, { ids: heldIds }];
        const known = idsIn(await knownSet.open());
        const seen = new Set([
          ...(await Promise.all(filters.map((filter) => idsOf(store, [filter])))).flat(),
          ...store.ids({}),
          ...collected(store, {}),
          ...((await collectedInTurns(store, {}, 10_000)) ?? []),
          ...idsIn(await localSets.open({}, 10_000)),
          ...fed,
        ]);
        for (const id of heldIds) {
          expect(seen.has(id)).toBe(false);
          expect(store.has(id)).toBe(false);
          expect(store.count([{ ids: [id] }])).toBe(0);
          expect(await store.get(id)).toBeUndefined();
          expect(known, 'catch-up takes it for known').toContain(id);
        }
      }

      for (const next of steps) {
        if (next.type === 'submit') {
          const one = made(next.submitted, known);
          known.push(one);
          await here.submit(one, sources[next.submitted.source]);
        } else if (next.type === 'arrive') {
          const held = [...here.purgatory.all()].filter(({ parents }) => parents.length === 0);
          const one = held[next.which % Math.max(1, held.length)];
          if (one !== undefined) await here.arrive(one.event);
        } else if (next.type === 'wait') {
          await clock.advance(next.minutes * 60_000);
          await here.admission.sweep();
        } else {
          here = await openHoldingAdmission({ opened, clock });
          listen();
        }
        await check();
        expect(here.errors).toEqual([]);
      }
      await clock.advance(60 * 60_000);
      await here.admission.sweep();
      await clock.advance(1);
      expect([...here.purgatory.all()], 'all ends in its time').toEqual([]);
    }),
    { numRuns: 60 },
  );
});
