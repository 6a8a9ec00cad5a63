import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { WorkTurns } from '../../src/lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { RepositoryDirectory } from '../../src/repositories/repository-directory.js';
import { deliverChanges } from '../../src/sync/relay/topic-delivery.js';
import { Discovery } from '../../src/sync/topics/discovery.js';
import { FilterService } from '../../src/sync/topics/filter-service.js';
import { announcementsTopic, type Topic } from '../../src/sync/topics/layers.js';
import { endlessTurn, SteppedTurns } from '../support/work-turns.js';
import { addressOf, announcement, event, issue, pubkey } from './support/events.js';

fc.configureGlobal({ seed: 20260101 });

const relays = ['wss://one.example', 'wss://two.example', 'wss://three.example'];

/** Filters as they follow what is stored, and relays that keep what they are told. */
class World {
  readonly directory = new RepositoryDirectory({
    serves: () => true,
    awaitsGitData: () => false,
    isOwnService: () => false,
  });
  readonly filters: FilterService;
  readonly readers = new Map<string, { wanted: Set<Topic>; update(topics: readonly Topic[]): void }>();
  /** How many pieces were told. */
  pieces = 0;

  constructor(turns: WorkTurns = endlessTurn) {
    this.filters = new FilterService({
      discovery: new Discovery({
        ownService: { isNamedBy: () => false },
        bootstrapRelays: ['wss://one.example'],
        relaysMax: 100,
      }),
      directory: this.directory,
      turns,
    });
    for (const relay of relays) this.begin(relay);
  }

  /** A relay that begins asks for all that is wanted by then. */
  begin(relay: string): void {
    const wanted = new Set(this.filters.topicsOf(relay));
    this.readers.set(relay, {
      wanted,
      update: (topics) => {
        this.pieces += 1;
        expect(topics.length).toBeLessThanOrEqual(limits.syncTopicsPerPieceMax);
        for (const topic of topics) {
          if (this.filters.wants(relay, topic)) wanted.add(topic);
          else wanted.delete(topic);
        }
      },
    });
  }

  announce(repository: NostrEvent): void {
    this.directory.onStored(repository);
    this.filters.follow(addressOf(repository));
  }

  add(root: NostrEvent): void {
    this.filters.roots.addRoot(root);
    this.filters.addAuthor(root.pubkey, root.id);
    this.filters.addAuthor(root.pubkey, root.tags[0]?.[1] ?? '');
  }

  remove(gone: NostrEvent): void {
    this.directory.onRemoved([{ ...gone, bytes: 0 }]);
    this.filters.remove(gone.id);
  }

  /** Tells one piece a turn; `between` is what happens before the next. */
  async deliver(between: () => void, signal = new AbortController().signal): Promise<void> {
    const slices = {
      isOver: true,
      next: async () => {
        await Promise.resolve();
        between();
      },
    };
    await deliverChanges(this.filters.takeChanges(), this.readers, slices, signal);
  }

  /** The addresses of the repositories that a root belongs to. */
  homesOf({ id }: NostrEvent): string[] {
    const { roots } = this.filters;
    return [...roots.repositoriesOf(roots.find(id))].map((repository) => roots.addressOf(repository)).sort();
  }

  /** What the relays keep is what they are to be asked about. */
  check(): void {
    for (const [relay, { wanted }] of this.readers)
      expect([...wanted].sort()).toEqual([...this.filters.topicsOf(relay)].sort());
  }
}

const named = ({ tags }: NostrEvent, address: string): boolean => tags.some(([, value]) => value === address);

/** A repository with many roots, asked of the first relay, that is about to be asked of the others. */
async function moved(roots: number) {
  const world = new World();
  const before = announcement('repo', []);
  world.announce(before);
  const issues = Array.from({ length: roots }, (_, n) => issue(before, { pubkey: pubkey(n % 300) }));
  for (const root of issues) world.add(root);
  await world.deliver(() => {});
  world.check();
  world.pieces = 0;
  const after = announcement('repo', relays, { created_at: before.created_at + 1 });
  world.announce(after);
  return { world, after, issues };
}

/** Has whatever happen, also between the pieces; roots join and leave in those turns. */
async function converges(turnsOf: () => SteppedTurns | undefined): Promise<void> {
  const step = fc.record({
    type: fc.constantFrom('announce', 'withdraw', 'root', 'unroot', 'author', 'restart'),
    repository: fc.nat(2),
    root: fc.nat(5),
    names: fc.subarray(relays),
  });
  const roots = [0, 1, 2, 3, 4, 5].map((n) => {
    const tags = [['a', `30617:${pubkey(n % 3)}:repo`]];
    return n < 3
      ? event({ kind: 1621, pubkey: pubkey(10 + n), tags })
      : event({
          kind: 1621,
          pubkey: pubkey(10),
          tags: [...tags, ['a', `30617:${pubkey((n + 1) % 3)}:repo`]],
        });
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), fc.nat(4), async (steps, window) => {
      const turns = turnsOf();
      const world = new World(turns);
      const stored = new Map<number, NostrEvent>();
      const present = new Set<NostrEvent>();
      let at = 0;
      const happen = () => {
        const next = steps[at];
        if (next === undefined) return;
        at += 1;
        const { repository, names } = next;
        const root = roots[next.root] as NostrEvent;
        const old = stored.get(repository);
        if (next.type === 'announce') {
          const owner = { pubkey: pubkey(repository), created_at: at };
          const fresh = announcement('repo', names, owner);
          world.announce(fresh);
          if (old !== undefined) world.remove(old);
          stored.set(repository, fresh);
        } else if (next.type === 'withdraw' && old !== undefined) {
          world.remove(old);
          stored.delete(repository);
        } else if (next.type === 'root') {
          world.add(root);
          present.add(root);
        } else if (next.type === 'unroot') {
          world.remove(root);
          present.delete(root);
        } else if (next.type === 'author') world.filters.addAuthor(pubkey(20 + repository), root.id);
        else if (next.type === 'restart') world.begin(names[0] ?? (relays[0] as string));
      };
      while (at < steps.length) {
        for (let count = 0; count <= window; count += 1) happen();
        await world.deliver(happen);
        await turns?.step();
      }
      await turns?.finish();
      await world.deliver(() => {});
      world.check();
      const announced = [...stored.values()].map(addressOf);
      for (const root of present)
        expect(world.homesOf(root)).toEqual(announced.filter((address) => named(root, address)).sort());
    }),
    { numRuns: 200 },
  );
}

describe('what changed is told in slices (docs/sync.md §3)', () => {
  it('a piece of one relay at a time, however much changed and wherever', async () => {
    const { world } = await moved(10_000);
    let told = 0;
    await world.deliver(() => {
      expect(world.pieces - told).toBeLessThanOrEqual(1);
      told = world.pieces;
    });
    world.check();
    // Each topic once for each of the two relays: the address, the roots, the authors.
    expect(world.pieces).toBe(2 * Math.ceil((1 + 10_000 + 300) / limits.syncTopicsPerPieceMax));
  });

  it('a relay that ends meanwhile is told no more, and one that begins misses nothing', async () => {
    const { world } = await moved(1_000);
    await world.deliver(() => {
      if (world.pieces === 1) world.readers.delete('wss://two.example');
      if (world.pieces === 2) world.begin('wss://two.example');
    });
    world.check();
    const gone = await moved(1_000);
    await gone.world.deliver(() => {
      gone.world.readers.delete('wss://three.example');
    });
    gone.world.check();
    expect(gone.world.pieces).toBe(6);
  });

  it('what changes again meanwhile ends as it is in the end', async () => {
    const { world, after, issues } = await moved(1_000);
    let turns = 0;
    await world.deliver(() => {
      turns += 1;
      // The roots go while they are told, and the second relay is left again.
      if (turns === 2) for (const root of issues.slice(0, 500)) world.remove(root);
      if (turns === 3)
        world.announce(announcement('repo', ['wss://three.example'], { created_at: after.created_at + 1 }));
    });
    await world.deliver(() => {});
    world.check();
    expect(world.readers.get('wss://two.example')?.wanted).toEqual(new Set([announcementsTopic]));
  });

  it('ends between two pieces when sync ends', async () => {
    const { world } = await moved(10_000);
    const abort = new AbortController();
    const ended = world.deliver(() => world.pieces === 3 && abort.abort(new Error('ended')), abort.signal);
    await expect(ended).rejects.toThrow('ended');
    expect(world.pieces).toBe(3);
  });

  it('whatever happens between the pieces, relays are asked about the same as if they had just begun', async () => {
    await converges(() => undefined);
  });

  it('so they are where roots come to their repositories, and go, in turns of their own', async () => {
    await converges(() => new SteppedTurns());
  });
});
