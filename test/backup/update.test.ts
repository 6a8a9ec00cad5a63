import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { beginAfterRestore } from '../../src/backup/restore/restore-mark.js';
import { systemClock } from '../../src/lib/clock.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { PostgresDatabase } from '../../src/store/postgres/database.js';
import { openPostgresStore } from '../../src/store/postgres/open-postgres-store.js';
import { migrate } from '../../src/store/postgres/schema.js';
import { PostgresServer, postgresObstacle } from '../support/postgres-server.js';
import { backupWorld } from './backup-world.js';
import { idsOf, makeRepository, note, project, put } from './contents.js';
import { forged } from './forged.js';

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

let server: PostgresServer | undefined;
beforeAll(async () => {
  if (obstacle === undefined) server = await PostgresServer.start();
}, 60_000);
afterAll(() => server?.[Symbol.asyncDispose]());

type World = Awaited<ReturnType<typeof backupWorld>>;
type Open = () => Promise<OpenedStore>;

/** What is restored to; `first`: where that is not as for a store that is there. */
type Target = { readonly open: Open; readonly first: Open | undefined };

const levelTarget = async ({ folders }: World): Promise<Target> => ({
  open: () => openLevelStore({ path: folders.events, clock: systemClock }),
  first: undefined,
});

let databases = 0;
async function postgresTarget({ path }: World): Promise<Target> {
  databases += 1;
  const url = (await server?.createDatabase(`restored_${databases}`)) ?? '';
  const settings = { path: join(path, 'postgres'), url, waitsForDisk: false, clock: systemClock };
  await using database = await PostgresDatabase.open(settings);
  await migrate(database);
  const open = () => openPostgresStore(settings);
  return { open, first: open };
}

/** A store with events and journal, and a target that nothing was restored to. */
async function moving(targetOf: (world: World) => Promise<Target>) {
  const world = await backupWorld();
  const { open, first } = await targetOf(world);
  const opened = async <T>(use: (opened: OpenedStore) => Promise<T>): Promise<T> => {
    const target = await open();
    await using _ = target.store;
    return await use(target);
  };
  return {
    world,
    opened,
    take: () => world.take({ hasRepositories: false }),
    restore: (bytes: Buffer, more = {}) =>
      world.restore(bytes, undefined, { openStanding: first, isUpdate: false, ...more }),
    update: (bytes: Buffer, more = {}) =>
      world.restore(bytes, undefined, { openStanding: open, isUpdate: true, ...more }),
    ids: () => opened(async ({ store }) => store.ids({}).sort()),
    journal: () => opened(async ({ journal }) => await recordsOf(journal)),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

async function recordsOf(journal: OpenedStore['journal']): Promise<Record<string, string>> {
  const records: Record<string, string> = {};
  for await (const { name, value } of journal.entries())
    if (name !== 'restored') records[name] = Buffer.from(value).toString();
  return records;
}

const ban = (reason: string) => Buffer.from(JSON.stringify({ reason, sinceSeconds: 1 }));
const bannedName = (number: number) => `moderation:banned-event:${note(number).id}`;

describe.each([
  ['LevelDB', levelTarget, false],
  ['PostgreSQL', postgresTarget, obstacle !== undefined],
] as const)('an update of a store in %s', (_, targetOf, isSkipped) => {
  it.skipIf(isSkipped)('makes it equal to the later backup, and checks only what is new', async () => {
    await using move = await moving(targetOf);
    const { world } = move;
    const kept = Array.from({ length: 300 }, (_, number) => note(number));
    const [deleted, replaced, banned] = [note(1_000), note(1_001, { kind: 10_000 }), note(1_002)];
    await put(world, ...kept, deleted, replaced, banned);
    await world.journal.put(bannedName(1), ban('lifted later'));
    await world.journal.put(bannedName(2), ban('as it was'));
    const first = await move.restore(await move.take());
    expect(first).toMatchObject({ storedEvents: 303, addedEvents: 303, removedEvents: 0 });
    expect(await move.ids()).toEqual(idsOf([...kept, deleted, replaced, banned]));

    const deletion = note(2_000, { kind: 5, tags: [['e', deleted.id]] });
    const replacement = note(2_001, { kind: 10_000 });
    await put(world, deletion, replacement, note(2_002));
    await world.store.takeAway([banned.id], 'banned').written;
    await world.journal.put(`moderation:banned-event:${banned.id}`, ban('now'));
    await world.journal.put(bannedName(2), ban('another reason'));
    await world.journal.delete(bannedName(1));
    let verified = 0;
    const bytes = await move.take();
    await using counting = world.verifier((events) => {
      verified += events.length;
    });
    const second = await move.update(bytes, { verifier: counting });
    expect(second).toMatchObject({ storedEvents: 303, addedEvents: 3 });
    expect(verified).toBe(3);
    expect(await move.ids()).toEqual(world.store.ids({}).sort());
    expect(await move.journal()).toEqual(await recordsOf(world.journal));
    // What was removed may come again where no rule is against it.
    await move.opened(async ({ store, refused }) => {
      expect(store.preview(deleted)).toBe('deleted');
      expect(store.preview(replaced)).toBe('superseded');
      expect([store.preview(banned), refused.reasonFor(banned.id)]).toEqual(['stored', undefined]);
    });
    expect(await move.update(bytes)).toMatchObject({ storedEvents: 303, addedEvents: 0, removedEvents: 0 });
  });

  it.skipIf(isSkipped)(
    'is refused where it would take away what came otherwise, and changes nothing',
    async () => {
      await using move = await moving(targetOf);
      const { world } = move;
      await put(world, note(1));
      const older = await move.take();
      await put(world, note(2));
      const bytes = await move.take();
      await move.restore(bytes);
      await put(world, note(3));
      await using other = await moving(targetOf);
      await put(other.world, note(1), note(2), note(3), note(4));
      const refused = async (work: Promise<unknown>, why: RegExp) => {
        await expect(work).rejects.toThrow(why);
        expect(await move.ids()).toEqual(idsOf([note(1), note(2)]));
        await move.opened(async ({ journal }) => {
          const records: string[] = [];
          for await (const { value } of journal.entries()) records.push(Buffer.from(value).toString());
          expect(records).toEqual([expect.stringContaining('"isWhole":true')]);
        });
      };
      const later = await move.take();
      if (obstacle === undefined && targetOf === postgresTarget)
        await refused(move.restore(later), /has what was restored.*--update/);
      else await refused(move.restore(later), /is not empty/);
      await refused(move.update(older), /that one is newer/);
      await refused(move.update(await other.take()), /is of another store/);
      await refused(move.update(await world.take()), /--without-git/);
      // A daemon begins.
      await move.opened(({ journal }) => beginAfterRestore(journal));
      await expect(move.update(later)).rejects.toMatchObject({ code: 'restore_not_updatable' });
      expect(await move.ids()).toEqual(idsOf([note(1), note(2)]));
    },
  );

  it.skipIf(isSkipped)(
    'can be broken off and done again, and until then no daemon begins with it',
    async () => {
      await using move = await moving(targetOf);
      const { world } = move;
      await put(world, ...Array.from({ length: 300 }, (_, number) => note(number)));
      await move.restore(await move.take());
      await world.store.takeAway([note(7).id], 'removed').written;
      await put(world, ...Array.from({ length: 300 }, (_, number) => note(1_000 + number)));
      await world.journal.put(bannedName(1), ban('a reason'));
      const bytes = await move.take();
      const changed = Buffer.from(bytes);
      changed[changed.length - 3_000]! ^= 1;
      for (const broken of [bytes.subarray(0, bytes.length / 2), bytes.subarray(0, -2_000), changed]) {
        await expect(move.update(broken)).rejects.toMatchObject({ code: 'backup_damaged' });
        // Nothing is taken away for the sake of a backup that is not whole.
        expect(await move.ids()).toContain(note(7).id);
        await move.opened(async ({ journal, image }) => {
          await expect(beginAfterRestore(journal)).rejects.toMatchObject({ code: 'restore_unfinished' });
          const taken = world.take({ image: image!, hasRepositories: false });
          await expect(taken).rejects.toMatchObject({ code: 'restore_unfinished' });
        });
      }
      const ended = AbortSignal.abort(new Error('ended'));
      await expect(move.update(bytes, { signal: ended })).rejects.toThrow('ended');
      await move.update(bytes);
      expect(await move.ids()).toEqual(world.store.ids({}).sort());
      expect(await move.journal()).toEqual(await recordsOf(world.journal));
      await move.opened(({ journal }) => beginAfterRestore(journal));
    },
  );

  it.skipIf(isSkipped)('asks to be done once more where an event waited for another to go', async () => {
    await using move = await moving(targetOf);
    const { world } = move;
    const [older, newer] = [note(1, { kind: 10_000 }), note(2, { kind: 10_000 })];
    await put(world, newer, note(3));
    await move.restore(await move.take());
    world.store.remove(newer.id);
    await put(world, older);
    const bytes = await move.take();
    await expect(move.update(bytes)).rejects.toThrow(/1 events were kept out.*once more/);
    await move.update(bytes);
    expect(await move.ids()).toEqual(idsOf([older, note(3)]));
  });
});

describe('a backup without repositories', () => {
  it('leaves the folder of repositories alone, and has all that the other one has beside them', async () => {
    await using move = await moving(levelTarget);
    const { world } = move;
    await put(world, note(1));
    await makeRepository(world, project);
    await world.journal.put(bannedName(1), ban('a reason'));
    mkdirSync(world.folders.git, { recursive: true });
    writeFileSync(join(world.folders.git, 'mine'), '');
    const bytes = await move.take();
    expect(world.moments).toMatchObject([{ hasRepositories: false, expected: { repositories: 0 } }]);
    await world.check(bytes);
    await expect(move.restore(await world.take())).rejects.toMatchObject({ code: 'restore_not_empty' });
    expect(await move.restore(bytes)).toMatchObject({ storedEvents: 1, end: { repositories: 0 } });
    expect(readdirSync(world.folders.git)).toEqual(['mine']);
    expect(await move.ids()).toEqual([note(1).id]);
    expect(await move.journal()).toEqual({ [bannedName(1)]: ban('a reason').toString() });
  });
});

describe.skipIf(obstacle !== undefined)('a restore into PostgreSQL', () => {
  it('takes an empty database and an empty folder of repositories, and can be broken off', async () => {
    await using move = await moving(postgresTarget);
    const { world } = move;
    await put(world, note(1), note(2));
    await makeRepository(world, project);
    const bytes = await world.take();
    mkdirSync(world.folders.git, { recursive: true });
    writeFileSync(join(world.folders.git, 'mine'), '');
    await expect(move.restore(bytes)).rejects.toMatchObject({ code: 'restore_not_empty' });
    await move.opened(({ journal }) => beginAfterRestore(journal));
    await using other = await moving(postgresTarget);
    await put(other.world, note(9));
    const elsewhere = { folders: { ...world.folders, git: join(world.path, 'empty') } };
    await expect(move.restore(bytes.subarray(0, -2_000), elsewhere)).rejects.toMatchObject({
      code: 'backup_damaged',
    });
    expect(readdirSync(elsewhere.folders.git)).toEqual([]);
    await expect(move.restore(await other.take())).rejects.toThrow('of another store');
    expect(await move.restore(bytes, elsewhere)).toMatchObject({ storedEvents: 2, faultyRepositories: 0 });
    expect(await move.ids()).toEqual(idsOf([note(1), note(2)]));
    expect(readdirSync(elsewhere.folders.git)).toEqual([expect.stringMatching(/^npub1/)]);
  });

  it('is refused while another writes there, or has written', async () => {
    await using move = await moving(postgresTarget);
    await put(move.world, note(1));
    const bytes = await move.take();
    await move.opened(async ({ store }) => {
      await expect(move.restore(bytes)).rejects.toMatchObject({ code: 'store_locked' });
      await store.put(note(2)).written;
    });
    for (const attempt of [move.restore, move.update])
      await expect(attempt(bytes)).rejects.toThrow(/is not empty|was not restored/);
    expect(await move.ids()).toEqual([note(2).id]);
  });
});

describe('the events of an update', () => {
  it('are those that their authors signed; one that is there stays as it is, whatever the file says', async () => {
    await using move = await moving(levelTarget);
    await put(move.world, note(1));
    await move.restore(await move.take());
    const ofStore = { ...move.world.moments[0], lastSequence: 2 ** 50 };
    const changed = (number: number) => JSON.stringify({ ...note(number), content: 'changed' });
    const ofKnown = forged({ 'events/000001.jsonl': changed(1) }, { events: 1 }, ofStore);
    await move.update(ofKnown);
    await move.opened(async ({ store }) => {
      expect((await store.get(note(1).id))?.event.content).toBe('note 1');
    });
    const ofNew = forged({ 'events/000001.jsonl': changed(2) }, { events: 1 }, ofStore);
    await expect(move.update(ofNew)).rejects.toThrow(`event ${note(2).id} is not what its author signed`);
    const mark = JSON.stringify({ name: 'restored', value: '{"isWhole":true}' });
    const marked = forged({ 'journal/000001.jsonl': mark }, { journalRecords: 1 }, ofStore);
    await expect(move.update(marked)).rejects.toThrow('is not as it should be');
    expect(await move.ids()).toEqual([note(1).id]);
  });
});
