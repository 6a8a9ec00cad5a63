import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { PushCommand } from '../../src/git-protocol/receive-request.js';
import { judgePush, type PushContext, type PushState } from '../../src/hosting/push-verdict.js';

const zero = '0'.repeat(40);
const most = limits.pullRequestRefsMax;
/** Where no pull request is pushed. */
const noProposals = { events: new Map(), maintainers: new Set<string>(), pullRequestRefs: 0 };
const ids = ['a', 'b', 'c'].map((digit) => digit.repeat(40));
const events = ['1', '2'].map((digit) => digit.repeat(64));
const names = [
  'refs/heads/main',
  'refs/heads/x/y',
  'refs/tags/v1',
  ...events.map((id) => `refs/nostr/${id}`),
  'refs/nostr/ABC',
  'refs/notes/commits',
  'refs/pull/1/head',
  'HEAD',
  'refs/heads/../../config',
];

type Case = { readonly commands: PushCommand[]; readonly context: PushContext; readonly isAtomic: boolean };

const id = fc.constantFrom(...ids);
const refs = (keys: readonly string[]) =>
  fc.dictionary(fc.constantFrom(...keys), id).map((record) => new Map(Object.entries(record)));
const states = fc
  .array(
    fc.record({
      id: fc.constantFrom('s1', 's2', 's3'),
      created_at: fc.integer({ min: 1, max: 4 }),
      isHeld: fc.boolean(),
      refs: refs(names.slice(0, 3)),
    }),
    { maxLength: 4 },
  )
  .map((list): PushState[] =>
    [...list].sort((x, y) => y.created_at - x.created_at || (x.id < y.id ? -1 : 1)),
  );
const cases: fc.Arbitrary<Case> = fc.record({
  commands: fc.uniqueArray(
    fc.record({
      ref: fc.constantFrom(...names),
      old: fc.constantFrom(zero, ...ids),
      new: fc.constantFrom(zero, ...ids),
    }),
    { selector: ({ ref }) => ref, minLength: 1, maxLength: 6 },
  ),
  context: fc.record({
    refs: refs(names.slice(0, 5)),
    states,
    events: refs(events).map(
      (known) =>
        new Map(
          [...known].map(([id, commit]) => [id, { type: 'pull-request' as const, author: 'a', commit }]),
        ),
    ),
    maintainers: fc.constantFrom(new Set<string>(), new Set(['a'])),
    pullRequestRefs: fc.constantFrom(0, most / 2 - 2, most / 2 - 1, most - 2, most - 1),
    unannouncedRoom: fc.integer({ min: 0, max: 2 }),
  }),
  isAtomic: fc.boolean(),
});

/** What git.md §2 says of one command by itself, read word by word; room for unknown pull requests is looked at later. */
function isRight({ ref, new: value }: PushCommand, { refs, states, events: known }: PushContext): boolean {
  const to = value === zero ? undefined : value;
  if (/^refs\/nostr\/[0-9a-f]{64}$/.test(ref)) {
    if (to === undefined) return false;
    const event = known.get(ref.slice('refs/nostr/'.length));
    if (refs.get(ref) === to || event === undefined) return true;
    return event.type === 'pull-request' && event.commit === to;
  }
  if (!['refs/heads/main', 'refs/heads/x/y', 'refs/tags/v1'].includes(ref)) return false;
  if (refs.get(ref) === to) return true;
  for (const state of states) {
    if (state.refs.get(ref) === to && (state === states[0] || state.isHeld)) return true;
    // Nothing older than what the repository follows has a say.
    if (!state.isHeld) return false;
  }
  return false;
}

/** The verdict on all commands, one after the other: 'set', 'same' or 'refused'. */
function expected({ commands, context, isAtomic }: Case): string[] {
  let room = context.unannouncedRoom;
  let refs = context.pullRequestRefs;
  const each = commands.map((command) => {
    if (!isRight(command, context)) return 'refused';
    if ((context.refs.get(command.ref) ?? zero) === command.new) return 'same';
    if (!command.ref.startsWith('refs/nostr/') || context.refs.has(command.ref)) return 'set';
    const isKnown = context.events.has(command.ref.slice('refs/nostr/'.length));
    if (refs >= (isKnown && context.maintainers.has('a') ? most : most / 2)) return 'refused';
    if (!isKnown && room <= 0) return 'refused';
    refs += 1;
    room -= isKnown ? 0 : 1;
    return 'set';
  });
  return isAtomic && each.includes('refused') ? each.map(() => 'refused') : each;
}

describe('judgePush', () => {
  it('says what the rules say, for random states, refs and commands', () => {
    fc.assert(
      fc.property(cases, (some) => {
        const verdicts = judgePush(some.commands, some.context, some.isAtomic);
        expect(verdicts.map(({ type }) => type)).toEqual(expected(some));
        for (const verdict of verdicts) {
          if (verdict.type !== 'set') continue;
          expect(verdict.from).toBe(some.context.refs.get(verdict.command.ref));
          expect(verdict.to ?? zero).toBe(verdict.command.new);
        }
      }),
      { numRuns: 3_000, seed: 1 },
    );
  });

  it('tells the person who pushes what the state says and what was pushed', () => {
    const state = { id: 's', created_at: 1, isHeld: true, refs: new Map([['refs/heads/main', ids[0]!]]) };
    const context = { refs: new Map(), states: [state], ...noProposals, unannouncedRoom: 1 };
    const reasons = judgePush(
      [
        { ref: 'refs/heads/main', old: zero, new: ids[1]! },
        { ref: 'refs/heads/other', old: zero, new: ids[1]! },
        { ref: 'refs/notes/commits', old: zero, new: ids[1]! },
      ],
      context,
      false,
    ).map((verdict) => (verdict.type === 'refused' ? verdict.reason : verdict.type));
    expect(reasons).toEqual([
      'the newest state says aaaaaaaa, you pushed bbbbbbbb; publish a new state, or fetch and push that',
      'the newest state does not list it, you pushed bbbbbbbb; publish a new state first',
      'only refs/heads/*, refs/tags/* and refs/nostr/<event id in lower-case hex> are taken here',
    ]);
  });

  it('reads each state once, however many commands there are', () => {
    let reads = 0;
    class CountedRefs extends Map<string, string> {
      override get(name: string): string | undefined {
        reads += 1;
        return super.get(name);
      }
      override *[Symbol.iterator](): MapIterator<[string, string]> {
        for (const entry of super[Symbol.iterator]()) {
          reads += 1;
          yield entry;
        }
      }
    }
    const refs: [string, string][] = [['refs/heads/other', ids[0]!]];
    const stateAt = (at: number) => ({
      id: `s${at}`,
      created_at: 1_000 - at,
      isHeld: true,
      refs: new CountedRefs(at === 399 ? [['refs/heads/7', ids[1]!]] : refs),
    });
    const states = Array.from({ length: 400 }, (_, at) => stateAt(at));
    const context = { refs: new Map(), states, ...noProposals, unannouncedRoom: 0 };
    const commands = Array.from({ length: 400 }, (_, at) => ({
      ref: `refs/heads/${at}`,
      old: zero,
      new: ids[1]!,
    }));
    const verdicts = judgePush(commands, context, false);
    expect(verdicts.flatMap(({ type, command }) => (type === 'set' ? command.ref : []))).toEqual([
      'refs/heads/7',
    ]);
    expect(reads).toBeLessThanOrEqual(states.length + commands.length);
    // One command is looked for in each, however many refs that lists.
    const listed = Array.from({ length: 1_000 }, (_, at) => [`refs/heads/${at}`, ids[1]!] as const);
    const large = { ...stateAt(0), refs: new CountedRefs(listed) };
    reads = 0;
    judgePush(commands.slice(0, 1), { ...context, states: [large] }, false);
    expect(reads).toBe(1);
  });

  it('asks for a state where there is none', () => {
    const context = { refs: new Map(), states: [], ...noProposals, unannouncedRoom: 0 };
    const [verdict] = judgePush([{ ref: 'refs/heads/main', old: zero, new: ids[0]! }], context, false);
    expect(verdict).toMatchObject({ type: 'refused', reason: expect.stringContaining('kind 30618') });
  });
});
