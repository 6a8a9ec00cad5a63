import { linkSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deferred } from '../../src/lib/abort.js';
import { openDatabase } from '../../src/store/level/database.js';
import { git, refsOf, writeBlob } from '../git/scratch.js';
import { backupWorld } from './backup-world.js';
import { idsIn, idsOf, makeRepository, note, packOf, project, proposals, put, sibling } from './contents.js';

describe('a restored backup', () => {
  it('has the events as they were at its moment, and nothing that came later', async () => {
    await using world = await backupWorld();
    const before = Array.from({ length: 300 }, (_, number) => note(number));
    const gone = note(1_000);
    const replaced = note(1_001, { kind: 10_000 });
    await put(world, ...before, gone, replaced);
    const deletion = note(2_000, { kind: 5, tags: [['e', gone.id]] });
    const replacement = note(2_001, { kind: 10_000 });
    await put(world, deletion);
    const pieces: Buffer[] = [];
    for await (const piece of world.stream()) {
      // What comes while it is taken.
      if (pieces.length === 0) await put(world, replacement, note(3_000));
      pieces.push(piece);
    }
    const { end, storedEvents } = await world.restore(Buffer.concat(pieces));
    expect(end).toMatchObject({ events: 302, damagedEvents: 0 });
    expect(storedEvents).toBe(302);
    expect(await idsIn(world)).toEqual(idsOf([...before, replaced, deletion]));
    const { store } = await world.openRestored();
    await using _ = store;
    expect(store.preview(gone)).toBe('deleted');
    expect((await store.get(before[7]!.id))?.event).toEqual(before[7]);
  });

  it('has the journal and what else stands in the database', async () => {
    await using world = await backupWorld();
    const held = JSON.stringify({
      event: note(1),
      addressGroup: 'a',
      heldAtMs: 1,
      deadlineMs: 2,
    });
    await world.journal.put(`held:${note(1).id}`, Buffer.from(held));
    await world.journal.put('other:1', Buffer.of(0xff, 0));
    await world.store[Symbol.asyncDispose]();
    const relay = join(world.path, 'relay');
    const db = await openDatabase(relay);
    for (const key of ['a', 'c1', 'm:bans', 'x']) await db.put(Buffer.from(key), Buffer.from(`of ${key}`));
    await db.close();
    await using again = await backupWorld(relay);
    expect(await again.restore(await again.take())).toMatchObject({
      end: { journalRecords: 2, otherRecords: 4 },
    });
    const restored = await again.openRestored();
    const names: string[] = [];
    for await (const { name } of restored.journal.entries()) names.push(name);
    expect(names).toEqual([`held:${note(1).id}`, 'other:1', 'restored']);
    await restored.store[Symbol.asyncDispose]();
    const restoredDb = await openDatabase(again.folders.events);
    for (const key of ['a', 'c1', 'm:bans', 'x']) {
      expect(Buffer.from((await restoredDb.get(Buffer.from(key)))!).toString()).toBe(`of ${key}`);
    }
    await restoredDb.close();
  });

  it('has the repositories with their refs, in both places, and those that are closed', async () => {
    await using world = await backupWorld();
    const gitDir = await makeRepository(world, project);
    git(gitDir, ['symbolic-ref', 'HEAD', 'refs/heads/loose/one']);
    await makeRepository(world, proposals);
    await world.repositories.ensure({ ...project, identifier: 'empty' });
    await world.repositories.close(proposals, 1_234);
    const summary = await world.restore(await world.take());
    expect(summary).toMatchObject({ faultyRepositories: 0, end: { repositories: 3 } });
    expect(world.warnings).toEqual([]);
    const restored = world.restored.pathOf(project);
    expect(refsOf(restored)).toEqual(refsOf(gitDir));
    expect(git(restored, ['symbolic-ref', 'HEAD'])).toBe('refs/heads/loose/one');
    git(restored, ['fsck', '--full', '--strict']);
    expect(git(restored, ['config', 'uploadpack.allowFilter'])).toBe('true');
    expect(await world.restored.closedSince(proposals)).toBe(1_234);
    expect(await world.restored.closedSince(project)).toBeUndefined();
    expect(readdirSync(world.folders.git).sort()).toEqual([expect.stringMatching(/^npub1/), 'prs']);
  });

  it('can be restored where somebody made a ref by hand that graspd never makes', async () => {
    await using world = await backupWorld();
    const gitDir = await makeRepository(world, project);
    const before = refsOf(gitDir);
    git(gitDir, ['update-ref', 'refs/stash', 'refs/heads/main']);
    expect(await world.restore(await world.take())).toMatchObject({ faultyRepositories: 0 });
    expect(refsOf(world.restored.pathOf(project))).toEqual(before);
  });

  it('has a pack that several repositories have in one file once, in the backup as on the disk', async () => {
    await using world = await backupWorld();
    const from = await makeRepository(world, project);
    writeFileSync(
      join(world.path, 'noise'),
      Buffer.from(Array.from({ length: 50_000 }, () => Math.random())),
    );
    const blob = git(from, ['hash-object', '-w', join(world.path, 'noise')]);
    git(from, ['update-ref', 'refs/tags/noise', blob]);
    git(from, ['repack', '-q', '-a', '-d']);
    const alone = (await world.take()).length;
    await world.repositories.ensure(sibling);
    const to = world.repositories.pathOf(sibling);
    for (const suffix of ['pack', 'idx']) {
      const name = packOf(from).replace(/pack$/, suffix);
      linkSync(name, name.replace(from, to));
    }
    git(to, ['update-ref', 'refs/heads/main', refsOf(from)['refs/heads/main'] ?? '']);
    const both = await world.take();
    expect(both.length).toBeLessThan(alone + 20_000);
    await world.restore(both);
    const [one, other] = [project, sibling].map((key) => packOf(world.restored.pathOf(key)));
    expect(statSync(one!).ino).toBe(statSync(other!).ino);
    git(world.restored.pathOf(sibling), ['fsck', '--full']);
  });

  it('keeps what a repack, a push or a removal takes away while it is taken', async () => {
    await using world = await backupWorld();
    const gitDir = await makeRepository(world, project);
    await makeRepository(world, sibling);
    const refs = refsOf(gitDir);
    const pieces: Buffer[] = [];
    let isStaged = false;
    for await (const piece of world.stream()) {
      pieces.push(piece);
      if (isStaged || !piece.includes('repository.json')) continue;
      isStaged = true;
      git(gitDir, ['update-ref', '-d', 'refs/heads/loose/one']);
      git(gitDir, ['repack', '-q', '-a', '-d']);
      git(gitDir, ['prune', '--expire=now']);
      await world.repositories.remove(sibling);
    }
    await world.restore(Buffer.concat(pieces));
    for (const key of [project, sibling]) expect(refsOf(world.restored.pathOf(key))).toEqual(refs);
    // Nothing is left of what was put aside.
    expect(readdirSync(join(world.path, 'git/.graspd'))).toEqual([]);
  });

  it('lacks no other repository where one cannot be read, or is not whole', async () => {
    await using world = await backupWorld();
    await makeRepository(world, project);
    const broken = { ...project, identifier: 'broken' };
    const gitDir = await makeRepository(world, broken);
    const lost = writeBlob(gitDir, 'lost');
    git(gitDir, ['update-ref', 'refs/tags/lost', lost]);
    rmSync(join(gitDir, 'objects', lost.slice(0, 2), lost.slice(2)));
    const unreadable = { ...project, identifier: 'unreadable' };
    await world.repositories.ensure(unreadable);
    rmSync(join(world.repositories.pathOf(unreadable), 'refs'), { recursive: true });
    const summary = await world.restore(await world.take());
    expect(world.unreadable).toEqual([unreadable]);
    expect(summary).toMatchObject({ faultyRepositories: 1, end: { unreadableRepositories: 1 } });
    expect(world.warnings).toEqual([expect.stringContaining('broken')]);
    git(world.restored.pathOf(project), ['fsck', '--full']);
  });
});

describe('a backup that is taken', () => {
  it('lets go of all when its reader leaves, in whatever part', async () => {
    await using world = await backupWorld();
    await put(world, ...Array.from({ length: 500 }, (_, number) => note(number)));
    await makeRepository(world, project);
    const total = (await world.take()).length;
    for (const share of [0, 0.3, 0.99]) {
      let bytes = 0;
      for await (const piece of world.stream()) {
        bytes += piece.length;
        if (bytes > total * share) break;
      }
      expect(readdirSync(join(world.path, 'git/.graspd'))).toEqual([]);
    }
    expect(world.locks.size).toBe(0);
  });

  it('ends where its signal aborts while it waits for a repository', async () => {
    await using world = await backupWorld();
    await makeRepository(world, project);
    const stop = new AbortController();
    const work = deferred<void>();
    const holding = world.locks.use(project, stop.signal, () => work.promise);
    const taking = (async () => {
      for await (const _ of world.stream(stop.signal));
    })();
    await new Promise((resolve) => setTimeout(resolve, 50));
    stop.abort(new Error('gone'));
    await expect(taking).rejects.toThrow('gone');
    work.resolve();
    await holding;
    expect(readdirSync(join(world.path, 'git/.graspd'))).toEqual([]);
  });
});
