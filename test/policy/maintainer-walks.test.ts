import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { MaintainerGraph } from '../../src/repositories/maintainers/maintainer-graph.js';
import { MaintainerWalks } from '../../src/repositories/maintainers/maintainer-walks.js';
import { NamedKeys } from '../../src/repositories/maintainers/named-keys.js';
import { announcement, key, state, world } from './world.js';

/** So low in some tests that small graphs come to their ends. */
const lowered = vi.hoisted((): Record<string, number> => ({}));

vi.mock(import('../../src/config/limits.js'), async (original) => {
  const { limits: real } = await original();
  return { limits: new Proxy(real, { get: (all, name) => lowered[String(name)] ?? Reflect.get(all, name) }) };
});

afterEach(() => {
  for (const name of Object.keys(lowered)) delete lowered[name];
  vi.restoreAllMocks();
});

type Announced = { readonly maintainers: readonly string[]; readonly hasRoles: boolean };

/** The maintainer set as it is defined: forward from the author, nearest first, to the ends that the limits set. */
function forward(announced: ReadonlyMap<string, Announced>, author: string): Set<string> {
  if (!announced.has(author)) return new Set();
  const members = new Set([author]);
  let names = 0;
  let frontier = [author];
  for (let depth = 0; depth < limits.maintainerDepthMax && frontier.length > 0; depth += 1) {
    const further: string[] = [];
    for (const member of frontier) {
      const { maintainers = [], hasRoles = false } = announced.get(member) ?? {};
      const named = new Set(maintainers);
      names += named.size;
      if (names > limits.maintainerNamesMax) return members;
      for (const one of named) {
        const isAppointed = !hasRoles || announced.get(one)?.maintainers.includes(member) === true;
        if (!isAppointed || members.has(one)) continue;
        members.add(one);
        further.push(one);
      }
    }
    frontier = further;
  }
  return members;
}

const keyCount = 12;
const names = Array.from({ length: keyCount }, (_, number) => `key${number}`);
const keys = fc.constantFrom(...names);
const announced = fc.record({ maintainers: fc.array(keys, { maxLength: 5 }), hasRoles: fc.boolean() });
/** An announcement that comes, or goes. */
const steps = fc.array(fc.tuple(keys, fc.option(announced, { freq: 6, nil: undefined })), { maxLength: 40 });
const depths = fc.constantFrom(2, 4, 1_000);
const namesMax = fc.constantFrom(6, 15, 10_000);

/** Plays the announcements, and has what follows looked at now and then: what was found before must not stay. */
function play(
  sequence: readonly (readonly [string, Announced | undefined])[],
  isServed: (author: string) => boolean,
  look: (graph: MaintainerGraph, all: ReadonlyMap<string, Announced>) => void,
): void {
  const graph = new MaintainerGraph(({ pubkey }) => isServed(pubkey));
  const all = new Map<string, Announced>();
  for (const [index, [author, its]] of sequence.entries()) {
    if (its === undefined) graph.delete('repo', author);
    else graph.set('repo', author, its);
    all.delete(author);
    if (its !== undefined) all.set(author, its);
    if (index % 8 === 0 || index === sequence.length - 1) look(graph, all);
  }
}

/** The authors whose set holds the key by the definition. */
function governed(
  all: ReadonlyMap<string, Announced>,
  isServed: (author: string) => boolean,
  one: string,
): string[] {
  return [...all.keys()].filter((author) => isServed(author) && forward(all, author).has(one));
}

describe('What a key maintains', () => {
  it('is what forward walks from each author say, on any graph, also where limits end these', () => {
    fc.assert(
      fc.property(steps, fc.subarray(names), depths, namesMax, (sequence, served, depth, most) => {
        Object.assign(lowered, { maintainerDepthMax: depth, maintainerNamesMax: most });
        const isServed = (author: string) => served.includes(author);
        play(sequence, isServed, (graph, all) => {
          for (const one of names) {
            // The second answer is one that was kept.
            for (let time = 0; time < 2; time += 1) {
              expect([...graph.authorsMaintainedBy('repo', one)]).toEqual(governed(all, isServed, one));
              const repository = { pubkey: one, identifier: 'repo' };
              const members = forward(all, one);
              expect([...graph.maintainersOf(repository)]).toEqual([...members]);
              for (const asked of [new Set(served), new Set(names.slice(0, 2))])
                expect(graph.maintainersAmong(repository, asked)).toEqual(
                  new Set([...asked].filter((each) => members.has(each))),
                );
            }
          }
        });
      }),
      { numRuns: 300, seed: 30618 },
    );
  });

  it('looks at a bounded number of names, and leaves out nobody for whom they do not suffice', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(1, 5, 20), namesMax, (sequence, few, most) => {
        Object.assign(lowered, { governedNamesMax: few, maintainerNamesMax: most });
        const lookedAt = vi.spyOn(NamedKeys.prototype, 'appoints');
        play(
          sequence,
          () => true,
          (graph, all) => {
            for (const one of names) {
              lookedAt.mockClear();
              const found = graph.authorsMaintainedBy('repo', one);
              // Back, and forward to the end of the walk in which they were used up; one for whether anybody names the key.
              const walk = Math.min(most, keyCount * 5) + keyCount;
              expect(lookedAt.mock.calls.length).toBeLessThanOrEqual(2 * few + walk + 1);
              expect(found).toEqual(expect.arrayContaining(governed(all, () => true, one)));
              if (!graph.isMaintainer(one, 'repo')) expect(found).toEqual([]);
            }
          },
        );
      }),
      { numRuns: 100, seed: 30618 },
    );
  });

  it('is found in steps that grow as the announcements do, and not as those times what each leads to', () => {
    const stepsFor = (authors: number) => {
      const graph = new MaintainerGraph();
      for (let author = 0; author < authors; author += 1) {
        const named = Array.from({ length: 30 }, (_, at) => key((author * 7 + at * 13) % authors));
        graph.set('repo', key(author), { maintainers: named, hasRoles: false });
      }
      const lookedAt = vi.spyOn(NamedKeys.prototype, 'appoints');
      lookedAt.mockClear();
      expect(graph.authorsMaintainedBy('repo', key(0)).length).toBe(authors);
      const first = lookedAt.mock.calls.length;
      for (let again = 0; again < 5; again += 1) graph.authorsMaintainedBy('repo', key(0));
      // Asked again, nothing is walked but who names the key, up to the first.
      expect(lookedAt.mock.calls.length - first).toBeLessThanOrEqual(5);
      return first;
    };
    // Each name once, and one for whether anybody names the key.
    expect(stepsFor(100)).toBeLessThanOrEqual(100 * 30 + 1);
    expect(stepsFor(300)).toBeLessThanOrEqual(300 * 30 + 1);
  });
});

describe('A state', () => {
  it('has what it governs looked for once, however many repositories those are, and again when an announcement came', () => {
    const { submit, directory, effects } = world({ holds: true });
    const authors = 60;
    for (let author = 0; author < authors; author += 1) {
      const maintainers = Array.from({ length: 20 }, (_, at) => key((author + at + 1) % authors));
      expect(submit(announcement(key(author), 'repo', { maintainers }))).toBe('hold');
    }
    const back = vi.spyOn(MaintainerWalks.prototype, 'authorsWith');
    const forwards = vi.spyOn(MaintainerWalks.prototype, 'membersOf');
    for (let time = 0; time < 3; time += 1) {
      effects.length = 0;
      expect(submit(state(key(5), 'repo', ['refs/heads/main', 'c'.repeat(40)]))).toBe('hold');
      expect(effects.length).toBe(authors);
      // What the desk and git data sync ask beside the policy.
      expect(directory.servedAndMaintainedBy(key(5), 'repo').length).toBe(authors);
    }
    expect([back.mock.calls.length, forwards.mock.calls.length]).toEqual([1, 0]);
    expect(submit(announcement(key(authors), 'repo', { maintainers: [key(5)] }))).toBe('hold');
    expect(submit(state(key(5), 'repo', ['refs/heads/main', 'd'.repeat(40)]))).toBe('hold');
    expect(directory.servedAndMaintainedBy(key(5), 'repo').length).toBe(authors + 1);
    expect(back.mock.calls.length).toBe(2);
  });

  it('governs repositories as they are served, also after the rules of that changed', () => {
    const graph = new MaintainerGraph(({ pubkey }) => served.has(pubkey));
    const served = new Set(['alice']);
    graph.set('repo', 'alice', { maintainers: ['carol'], hasRoles: false });
    graph.set('repo', 'bob', { maintainers: ['carol'], hasRoles: false });
    expect(graph.authorsMaintainedBy('repo', 'carol')).toEqual(['alice']);
    served.add('bob');
    graph.onServingChanged('repo');
    expect(graph.authorsMaintainedBy('repo', 'carol')).toEqual(['alice', 'bob']);
  });

  it('is found for each of many repositories without another walk', () => {
    const { submit, directory } = world();
    const authors = 40;
    for (let author = 0; author < authors; author += 1) {
      const maintainers = Array.from({ length: 10 }, (_, at) => key((author + at + 1) % authors));
      expect(submit(announcement(key(author), 'repo', { maintainers }))).toBe('accept');
    }
    const forwards = vi.spyOn(MaintainerWalks.prototype, 'membersOf');
    for (let time = 0; time < 3; time += 1) {
      const made = state(key(time), 'repo');
      expect(submit(made)).toBe('accept');
      for (let author = 0; author < authors; author += 1)
        expect(directory.stateOf({ pubkey: key(author), identifier: 'repo' })?.id).toBe(made.id);
    }
    expect(forwards.mock.calls.length).toBe(authors);
  });
});
