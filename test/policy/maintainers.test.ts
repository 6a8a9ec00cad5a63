import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { KeyNumbers } from '../../src/repositories/maintainers/key-numbers.js';
import { MaintainerGraph } from '../../src/repositories/maintainers/maintainer-graph.js';
import { announcement, foreign, key, state, world } from './world.js';

type Announced = { readonly maintainers: readonly string[]; readonly hasRoles: boolean };

/**
 * All that follows from the definition: add whoever is named by a member, until nothing changes; whoever was invited there
 * only when their own announcement names that member.
 */
function bruteForce(announced: ReadonlyMap<string, Announced>, author: string): Set<string> {
  if (!announced.has(author)) return new Set();
  const members = new Set([author]);
  for (let before = 0; before !== members.size; ) {
    before = members.size;
    for (const member of [...members]) {
      const { maintainers = [], hasRoles = false } = announced.get(member) ?? {};
      for (const named of maintainers) {
        if (!hasRoles || announced.get(named)?.maintainers.includes(member)) members.add(named);
      }
    }
  }
  return members;
}

const keys = fc.integer({ min: 0, max: 7 }).map((number) => `key${number}`);
const identifiers = fc.constantFrom('repo', 'other');
const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(
        fc.constant('set' as const),
        identifiers,
        keys,
        fc.record({ maintainers: fc.array(keys, { maxLength: 4 }), hasRoles: fc.boolean() }),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.constant('delete' as const),
        identifiers,
        keys,
        fc.constant({ maintainers: [], hasRoles: false }),
      ),
    },
  ),
  { maxLength: 40 },
);

describe('The recursive maintainer set', () => {
  it('is, after any sequence of announcements and removals, what the definition says, in both directions', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const graph = new MaintainerGraph();
        const announced = new Map([
          ['repo', new Map<string, Announced>()],
          ['other', new Map<string, Announced>()],
        ]);
        for (const [step, identifier, author, announcement] of sequence) {
          const ofIdentifier = announced.get(identifier)!;
          if (step === 'set') {
            graph.set(identifier, author, announcement);
            ofIdentifier.set(author, announcement);
          } else {
            graph.delete(identifier, author);
            ofIdentifier.delete(author);
          }
        }
        for (const [identifier, ofIdentifier] of announced) {
          expect(graph.has(identifier)).toBe(ofIdentifier.size > 0);
          const sets = [...ofIdentifier.keys()].map(
            (author) => [author, bruteForce(ofIdentifier, author)] as const,
          );
          for (let number = 0; number < 8; number += 1) {
            const one = `key${number}`;
            expect(graph.maintainersOf({ pubkey: one, identifier })).toEqual(bruteForce(ofIdentifier, one));
            const governed = sets.filter(([, members]) => members.has(one)).map(([author]) => author);
            expect(new Set(graph.authorsMaintainedBy(identifier, one))).toEqual(new Set(governed));
            expect(graph.isMaintainer(one, identifier)).toBe(governed.length > 0);
          }
        }
      }),
      { numRuns: 400, seed: 34 },
    );
  });

  it('goes once round a cycle of 1,000 keys', () => {
    const { submit, directory } = world();
    expect(submit(announcement(key(0), 'repo', { maintainers: [key(1)] }))).toBe('accept');
    for (let number = 1; number < 1_000; number += 1) {
      expect(submit(foreign(key(number), 'repo', [key((number + 1) % 1_000)]))).toBe('accept');
    }
    const repository = { pubkey: key(0), identifier: 'repo' };
    expect(directory.maintainersOf(repository).size).toBe(1_000);
    expect(directory.servedAndMaintainedBy(key(999), 'repo')).toEqual([repository]);
    expect(submit(state(key(999), 'repo'))).toBe('accept');
    expect(submit(state(key(1_000), 'repo'))).toBe('invalid: author not authorized for this repository');
  });

  it('ends at its greatest depth, the same one in both directions', () => {
    const graph = new MaintainerGraph();
    const depth = limits.maintainerDepthMax;
    for (let number = 0; number < 3 * depth; number += 1)
      graph.set('repo', key(number), { maintainers: [key(number + 1)], hasRoles: false });
    expect(graph.maintainersOf({ pubkey: key(0), identifier: 'repo' }).has(key(depth))).toBe(true);
    expect(graph.maintainersOf({ pubkey: key(0), identifier: 'repo' }).has(key(depth + 1))).toBe(false);
    expect(graph.authorsMaintainedBy('repo', key(depth))).toContain(key(0));
    expect(graph.authorsMaintainedBy('repo', key(depth + 1))).not.toContain(key(0));
  });

  it('ends behind so many names, nearest first, the same in both directions', () => {
    const graph = new MaintainerGraph();
    const each = limits.announcementMaintainersMax;
    const namers = limits.maintainerNamesMax / each;
    const namesOf = (namer: number) => Array.from({ length: each }, (_, index) => key(namer * 1_000 + index));
    const announce = (author: string, maintainers: string[]) =>
      graph.set('repo', author, { maintainers, hasRoles: false });
    announce('owner', namesOf(0));
    for (const [index, author] of namesOf(0).entries()) announce(author, namesOf(index + 1));
    const [first, last, beyond] = [namesOf(1)[0], namesOf(namers - 1)[0], namesOf(namers)[0]] as [
      string,
      string,
      string,
    ];
    const set = graph.maintainersOf({ pubkey: 'owner', identifier: 'repo' });
    expect([first, last, beyond].map((member) => set.has(member))).toEqual([true, true, false]);
    expect(graph.authorsMaintainedBy('repo', last)).toContain('owner');
    expect(graph.authorsMaintainedBy('repo', beyond)).not.toContain('owner');
  });

  it('keeps nothing of keys that nobody names any more', () => {
    const numbers = new KeyNumbers();
    for (let round = 0; round < 100; round += 1) {
      const taken = Array.from({ length: 100 }, (_, index) => numbers.take(`${round}-${index}`));
      expect(taken.map((number) => numbers.keyOf(number))[99]).toBe(`${round}-99`);
      for (const number of taken) numbers.release(number);
    }
    expect(numbers.end).toBe(100);
    expect(numbers.of('0-0')).toBeUndefined();
  });

  it('has those whom role tags invite once they name the inviter in turn; `o` has no say, and `maintainers` neither', () => {
    const { submit, directory } = world();
    const [alice, bob, carol, dave] = [key(1), key(2), key(3), key(4)];
    const roles = [
      ['M', alice],
      ['m', bob],
      ['o', carol],
      ['m', 'video/mp4'],
    ];
    submit(announcement(alice, 'repo', { maintainers: [dave], tags: roles }));
    const repository = { pubkey: alice, identifier: 'repo' };
    expect([...directory.maintainersOf(repository)]).toEqual([alice]);
    const notAuthorized = 'invalid: author not authorized for this repository';
    for (const author of [bob, carol, dave]) expect(submit(state(author, 'repo'))).toBe(notAuthorized);
    expect(submit(foreign(bob, 'repo', [alice]))).toBe('accept');
    expect([...directory.maintainersOf(repository)]).toEqual([alice, bob]);
    expect(submit(state(bob, 'repo'))).toBe('accept');
    expect(directory.servedAndMaintainedBy(bob, 'repo')).toEqual([repository]);
  });

  it('keeps two announcements with one identifier by different keys apart', () => {
    const { submit, directory } = world();
    const [alice, bob, carol, dave] = [key(1), key(2), key(3), key(4)];
    submit(announcement(alice, 'repo', { maintainers: [carol] }));
    submit(announcement(bob, 'repo', { maintainers: [dave] }));
    const states = [state(alice, 'repo'), state(carol, 'repo'), state(bob, 'repo'), state(dave, 'repo')];
    for (const each of states) expect(submit(each)).toBe('accept');
    const [, ofCarol, , ofDave] = states;
    expect(directory.stateOf({ pubkey: alice, identifier: 'repo' })?.id).toBe(ofCarol?.id);
    expect(directory.stateOf({ pubkey: bob, identifier: 'repo' })?.id).toBe(ofDave?.id);
    expect(directory.servedAndMaintainedBy(carol, 'repo')).toEqual([{ pubkey: alice, identifier: 'repo' }]);
  });
});
