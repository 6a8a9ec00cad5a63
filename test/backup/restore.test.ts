import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkNothingIsRestoring, RestoreFolders } from '../../src/backup/restore/restore-folders.js';
import { limits } from '../../src/config/limits.js';
import { backupWorld } from './backup-world.js';
import { idsIn, makeRepository, note, project, put } from './contents.js';
import { forged } from './forged.js';

const repositoryNote = (more: object = {}): string =>
  JSON.stringify({ sort: 'announced', ...project, head: 'refs/heads/main', ...more });

describe('a restore', () => {
  it('takes empty folders only, and touches no others', async () => {
    await using world = await backupWorld();
    const bytes = await world.take();
    mkdirSync(world.folders.git, { recursive: true });
    writeFileSync(join(world.folders.git, 'mine'), '');
    await expect(world.restore(bytes)).rejects.toMatchObject({ code: 'restore_not_empty' });
    expect(readdirSync(world.folders.git)).toEqual(['mine']);
  });

  it('leaves nothing when the file is cut short, changed or the operator ends it', async () => {
    await using world = await backupWorld();
    await put(world, ...Array.from({ length: 10 }, (_, number) => note(number)));
    await makeRepository(world, project);
    const bytes = await world.take();
    const changed = Buffer.from(bytes);
    changed[changed.length - 3_000]! ^= 1;
    const attempts = [
      () => world.restore(bytes.subarray(0, bytes.length - 4_000)),
      () => world.restore(changed),
      () => world.restore(bytes, AbortSignal.abort(new Error('ended'))),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toThrow();
      expect(readdirSync(world.folders.events)).toEqual([]);
      expect(readdirSync(world.folders.git)).toEqual([]);
    }
    // What an earlier one left, as after a power failure, is no data.
    mkdirSync(join(world.folders.events, '.restoring/events'), { recursive: true });
    await world.restore(bytes);
    expect(await idsIn(world)).toHaveLength(10);
  });

  it('is taken back when it ends while all is moved to its place, by itself or by the next one', async () => {
    await using world = await backupWorld();
    const { events, git } = world.folders;
    const prepared = async () => {
      const folders = await RestoreFolders.open(world.folders);
      for (const path of ['a/x', 'b/y']) mkdirSync(join(folders.aside.git, path), { recursive: true });
      mkdirSync(join(folders.aside.events, 'events/database'), { recursive: true });
      writeFileSync(join(folders.aside.events, 'index.snapshot'), '');
      mkdirSync(join(git, 'lost+found'), { recursive: true });
      return folders;
    };
    // A database that is in the way keeps the last step from being taken, and all stays as a kill there leaves it.
    const killed = await prepared();
    mkdirSync(join(events, 'events/other'), { recursive: true });
    await expect(killed.moveIn()).rejects.toThrow();
    rmSync(join(events, 'events'), { recursive: true });
    expect(readdirSync(git).sort()).toEqual(['.restoring', 'a', 'b', 'lost+found']);
    await expect(checkNothingIsRestoring(events)).rejects.toMatchObject({ code: 'restore_unfinished' });
    const left = join(world.path, 'left');
    cpSync(join(world.path, 'restored'), left, { recursive: true });

    await killed[Symbol.asyncDispose]();
    expect([readdirSync(events), readdirSync(git)]).toEqual([[], ['lost+found']]);
    await checkNothingIsRestoring(events);

    cpSync(left, join(world.path, 'restored'), { recursive: true });
    await using folders = await prepared();
    expect(readdirSync(git).sort()).toEqual(['.restoring', 'lost+found']);
    await folders.moveIn();
    await checkNothingIsRestoring(events);
    expect(existsSync(join(events, 'events/database'))).toBe(true);
    expect(readdirSync(git).sort()).toEqual(['.restoring', 'a', 'b', 'lost+found']);
  });

  it('takes no event that its author did not sign, whatever the hash of the file says', async () => {
    await using world = await backupWorld();
    const event = note(1);
    const other = JSON.stringify({ ...event, content: 'other' });
    const unsigned = JSON.stringify({ ...event, sig: '0'.repeat(128) });
    for (const line of [other, unsigned]) {
      const bytes = forged({ 'events/000001.jsonl': line }, { events: 1 });
      await expect(world.restore(bytes)).rejects.toThrow('not what its author signed');
      await expect(world.check(bytes)).rejects.toThrow('not what its author signed');
      const record = JSON.stringify({
        name: `held:${event.id}`,
        value: `{"event":${line},"heldAtMs":1,"deadlineMs":2}`,
      });
      const held = forged({ 'journal/000001.jsonl': record }, { journalRecords: 1 });
      await expect(world.restore(held)).rejects.toThrow('not what its author signed');
    }
    await expect(world.restore(forged({ 'events/000001.jsonl': '{}' }))).rejects.toThrow('is no event');
    await expect(world.restore(forged({}, { events: 1 }))).rejects.toThrow('and has 0');
  });

  it.each([
    ['held:x', 'null'],
    [`held:${note(1).id}`, JSON.stringify({ event: note(1) })],
    [`held:${note(2).id}`, JSON.stringify({ event: note(1), heldAtMs: 1, deadlineMs: 2 })],
    [`lapsed:${note(1).id}`, '{"event":{"id":1},"deadlineMs":1}'],
    ['awaited:x', 'null'],
    ['awaited:x', '{"repository":{"pubkey":"..","identifier":".."},"eventId":"x","deadlineMs":1}'],
    ['moderation:banned-pubkey:x', '{'],
    ['moderation:blocked-address:nowhere', '{"reason":"","sinceSeconds":1}'],
  ])('takes no record of a journal that the next start could not read: %s is %s', async (name, value) => {
    await using world = await backupWorld();
    const bytes = forged({ 'journal/000001.jsonl': JSON.stringify({ name, value }) }, { journalRecords: 1 });
    await expect(world.restore(bytes)).rejects.toMatchObject({ code: 'backup_damaged' });
  });

  it('takes no name in the file for a path', async () => {
    await using world = await backupWorld();
    const names = [
      '../evil',
      '/tmp/evil',
      'events',
      'other/1',
      'git/../../evil',
      'git/1/../x',
      'git/1/config',
      'git/1/hooks/post-update',
      'git/1/objects/info/alternates',
      'git/1/objects/pack/../../config',
    ];
    for (const name of names) {
      const bytes = forged({ 'git/1/repository.json': repositoryNote(), [name]: 'x' });
      for (const read of [world.restore, world.check])
        await expect(read(bytes), name).rejects.toMatchObject({ code: 'backup_damaged' });
    }
    for (const identifier of ['..', 'a/b', '', 'a\0b']) {
      const bytes = forged({ 'git/1/repository.json': repositoryNote({ identifier }) });
      await expect(world.restore(bytes)).rejects.toThrow('has no name');
    }
    const twice = { 'git/1/repository.json': repositoryNote(), 'git/2/repository.json': repositoryNote() };
    await expect(world.restore(forged(twice))).rejects.toThrow('twice');
    const refs = `${'1'.repeat(40)} refs/../../evil\n`;
    const evil = { 'git/1/repository.json': repositoryNote(), 'git/1/packed-refs': refs };
    for (const read of [world.restore, world.check])
      await expect(read(forged(evil))).rejects.toThrow('is no ref');
    expect(readdirSync(world.path).sort()).toEqual(['git', 'relay', 'restored']);
  });

  it('takes no memory for a file of records, or a line of refs, that no backup has', async () => {
    await using world = await backupWorld();
    const huge = Buffer.alloc(limits.backupLinesBytesMin + limits.importLineBytesMax + 1, '\n');
    const records = forged({ 'database/000001.jsonl': huge });
    for (const read of [world.restore, world.check])
      await expect(read(records)).rejects.toThrow('larger than any of a backup');
    const line = `${'1'.repeat(40)} refs/heads/${'a'.repeat(limits.restoredRefBytesMax)}`;
    for (const refs of [line, `${'1'.repeat(40)} refs/heads/main`]) {
      const bytes = forged({ 'git/1/repository.json': repositoryNote(), 'git/1/packed-refs': refs });
      await expect(world.restore(bytes)).rejects.toThrow(/a line of its refs is (too long|none)/);
    }
  });

  it('takes no record that would stand in the place of an event or of the index', async () => {
    await using world = await backupWorld();
    for (const key of [Buffer.from('b12345678'), Buffer.from('s12345678'), Buffer.from('m:schema')]) {
      const line = JSON.stringify({ key: key.toString('base64'), value: '' });
      const bytes = forged({ 'database/000001.jsonl': line }, { otherRecords: 1 });
      for (const read of [world.restore, world.check])
        await expect(read(bytes)).rejects.toThrow('a key of the store');
    }
  });

  it('leaves out a pack that is not what it says, and tells of it', async () => {
    await using world = await backupWorld();
    const bytes = forged(
      {
        'git/1/repository.json': repositoryNote(),
        'git/1/packed-refs': '',
        [`git/1/objects/pack/pack-${'a'.repeat(40)}.pack`]: 'PACK is none',
      },
      { repositories: 1 },
    );
    expect(await world.restore(bytes)).toMatchObject({ faultyRepositories: 1 });
    expect(world.warnings).toEqual([expect.stringContaining('is not whole: git index-pack failed')]);
    expect(readdirSync(join(world.restored.pathOf(project), 'objects/pack'))).toEqual([]);
  });
});
