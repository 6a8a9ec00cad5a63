import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { GitRunner } from '../../src/git/git-runner.js';
import { copyObjects } from '../../src/git/objects/copy-objects.js';
import { Quarantine } from '../../src/git/objects/quarantine.js';
import { systemClock } from '../../src/lib/clock.js';
import { writeNoise } from './noise.js';
import { git, gitBytes, scratchFolder } from './scratch.js';

const main = 'refs/heads/main';

/** Two repositories beside each other, and a third in which commits are made. */
function repositories() {
  const folder = scratchFolder();
  const stop = new AbortController();
  const runner = new GitRunner(systemClock, stop.signal);
  const ran: string[] = [];
  const [mine, from, to] = ['mine', 'from', 'to'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [mine, from, to]) git(folder.path, ['init', '-q', '--bare', path]);
  let works = 0;
  let nowMs = 0;
  const hooks = { after: (_command: string) => {} };
  const clock = { monotonic: () => nowMs };
  /** How long each command might take. */
  const times: number[] = [];
  return {
    from,
    to,
    ran,
    hooks,
    times,
    /** A commit of a file with so much noise. */
    commit(word: string, parents: readonly string[] = [], bytes: number = limits.sharedPackBytesMin): string {
      return writeNoise(mine, word, bytes, parents);
    },
    /** A commit of so many small files. */
    commitFiles(word: string, files: number, parent?: string): string {
      const from = parent === undefined ? '' : `from ${parent}\n`;
      const head = `commit refs/heads/${word}\ncommitter a <a> 1700000000 +0000\ndata 1\nx\n${from}`;
      const lines = Array.from({ length: files }, (_, n) => {
        const text = `${word} ${n}`;
        return `M 100644 inline ${word}/${n}\ndata ${text.length}\n${text}\n`;
      });
      git(mine, ['fast-import', '--quiet'], `${head}${lines.join('')}`);
      return git(mine, ['rev-parse', word]);
    },
    /** Brings what commits lead to into a repository as one pack, as a push does; gives its name. */
    push(gitDir: string, ids: readonly string[], without: readonly string[] = [], isThin = false): string {
      const input = [...ids, ...without.map((id) => `^${id}`), ''].join('\n');
      const args = ['pack-objects', '--revs', '--stdout', '-q', ...(isThin ? ['--thin'] : [])];
      const pack = gitBytes(mine, args, input);
      const said = gitBytes(gitDir, ['index-pack', '--stdin', '--fix-thin'], pack).toString();
      return `pack-${said.trim().split('\t')[1]}`;
    },
    set: (gitDir: string, ref: string, id: string) => git(gitDir, ['update-ref', ref, id]),
    /** Copies objects, and gives the names of the packs that were linked. */
    async copy(...objectIds: string[]): Promise<string[]> {
      works += 1;
      const work = join(folder.path, `work-${works}`);
      mkdirSync(work);
      await using quarantine = new Quarantine(to, work, [from]);
      const watched = {
        run: async (command: Parameters<GitRunner['run']>[0]) => {
          ran.push(command.args[0] ?? '');
          if (command.msMax !== undefined) times.push(command.msMax);
          nowMs += 10;
          const output = await runner.run(command);
          hooks.after(command.args[0] ?? '');
          return output;
        },
      };
      const wanted = { fromDir: from, objectIds, msMax: 60_000, clock };
      const packs = await copyObjects(watched, quarantine, wanted);
      await quarantine.moveIn();
      return packs.map(({ name }) => name);
    },
    objectsIn: (gitDir: string) =>
      git(gitDir, ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']).split('\n').sort(),
    [Symbol.dispose]() {
      stop.abort();
      folder[Symbol.dispose]();
    },
  };
}

function filesOf(gitDir: string, suffix = '.pack'): string[] {
  const folder = join(gitDir, 'objects/pack');
  return readdirSync(folder).filter((name) => name.endsWith(suffix));
}

function inodeOf(gitDir: string, name: string): number {
  return statSync(join(gitDir, 'objects/pack', `${name}.pack`)).ino;
}

describe('a pack of which all is wanted', () => {
  it('comes by a second name of its file, counts as new, and is whole when the other repository has gone', async () => {
    using world = repositories();
    const { from, to } = world;
    const tip = world.commit('two', [world.commit('one')]);
    const name = world.push(from, [tip]);
    const old = new Date(Date.now() - 30 * 86_400_000);
    utimesSync(join(from, 'objects/pack', `${name}.pack`), old, old);
    expect(await world.copy(tip)).toEqual([name]);
    expect(inodeOf(to, name)).toBe(inodeOf(from, name));
    expect(world.ran).not.toContain('pack-objects');
    expect(statSync(join(to, 'objects/pack', `${name}.pack`)).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
    rmSync(from, { recursive: true });
    world.set(to, main, tip);
    git(to, ['fsck', '--strict']);
  });

  it('is one that has, beside what is wanted, objects that are here already', async () => {
    using world = repositories();
    const { from, to } = world;
    const first = world.commit('one');
    const second = world.commit('two', [first]);
    world.push(from, [first]);
    world.push(to, [first], [], true);
    world.set(to, main, first);
    // All of both: the first is here.
    const both = world.push(from, [second]);
    expect(await world.copy(second)).toEqual([both]);
  });

  it('is asked about in pieces, however much of it is here already', async () => {
    using world = repositories();
    const { from, to } = world;
    const first = world.commitFiles('one', 10_001);
    const second = world.commitFiles('two', 10_002, first);
    world.push(to, [first]);
    world.set(to, main, first);
    const both = world.push(from, [second]);
    expect(await world.copy(second)).toEqual([both]);
    expect(world.ran.filter((command) => command === 'cat-file')).toHaveLength(2);
  });

  it('brings its bitmap where there is none', async () => {
    using world = repositories();
    const { from, to } = world;
    const first = world.commit('one');
    world.push(from, [first]);
    world.set(from, main, first);
    git(from, ['repack', '-adbq']);
    await world.copy(first);
    expect(filesOf(to, '.bitmap')).toEqual(filesOf(from, '.bitmap'));
    world.set(to, main, first);
    const second = world.commit('two', [first]);
    world.push(from, [second], [first]);
    world.set(from, main, second);
    git(from, ['repack', '-adbq']);
    await world.copy(second);
    expect(filesOf(to, '.bitmap')).toHaveLength(1);
    git(to, ['rev-list', '--test-bitmap', first]);
  });
});

describe('a pack is copied, and not linked', () => {
  it('where it has anything that is not wanted: nothing comes along', async () => {
    using world = repositories();
    const { from, to } = world;
    const first = world.commit('one');
    const other = world.commit('proposal', [first]);
    world.push(from, [first, other]);
    expect(await world.copy(first)).toEqual([]);
    expect(world.objectsIn(to)).toEqual(
      git(from, ['rev-list', '--objects', '--no-object-names', first]).split('\n').sort(),
    );
    expect(filesOf(to)).toHaveLength(1);
  });

  it('as far as others are linked: what they have not comes in a pack of its own', async () => {
    using world = repositories();
    const { from, to } = world;
    const first = world.commit('one');
    const second = world.commit('two', [first]);
    const other = world.commit('proposal', [second]);
    const name = world.push(from, [first]);
    world.push(from, [second, other], [first]);
    expect(await world.copy(second)).toEqual([name]);
    expect(filesOf(to)).toHaveLength(2);
    // All of it has one time.
    expect(world.times[0]).toBeGreaterThan(world.times[1] ?? 0);
    expect(world.objectsIn(to)).toEqual(
      git(from, ['rev-list', '--objects', '--no-object-names', second]).split('\n').sort(),
    );
  });

  it('where it is small, or has more objects than are compared', async () => {
    using world = repositories();
    const { from } = world;
    const small = world.commit('small', [], 1_000);
    world.push(from, [small]);
    expect(await world.copy(small)).toEqual([]);
    const large = world.commit('large');
    world.push(from, [large]);
    // An index that says how many objects it has, and no more.
    const index = Buffer.alloc(8 + 4 * 256);
    Buffer.from('ff744f6300000002', 'hex').copy(index);
    index.writeUInt32BE(limits.sharedObjectsMax, index.length - 4);
    writeFileSync(join(from, 'objects/pack/pack-x.pack'), '');
    writeFileSync(join(from, 'objects/pack/pack-x.idx'), index);
    expect(await world.copy(large)).toEqual([]);
    expect(world.ran).not.toContain('rev-list');
  });

  it('where it brings less than it repeats', async () => {
    using world = repositories();
    const { from, to } = world;
    const first = world.commit('two', [world.commit('one')]);
    const second = world.commit('three', [first]);
    world.push(to, [first]);
    world.set(to, main, first);
    world.push(from, [second]);
    world.set(from, main, second);
    expect(await world.copy(second)).toEqual([]);
    expect(filesOf(to)).toHaveLength(2);
  });

  it('where a repack takes it away meanwhile', async () => {
    using world = repositories();
    const { from, to, hooks } = world;
    const first = world.commit('one');
    const second = world.commit('two', [first]);
    world.push(from, [first]);
    world.push(from, [second], [first]);
    world.set(from, main, second);
    hooks.after = (command) => {
      if (command === 'rev-list') git(from, ['repack', '-adq']);
    };
    expect(await world.copy(second)).toEqual([]);
    expect(world.objectsIn(to)).toEqual(world.objectsIn(from));
  });

  it('where the file system gives no second name', async () => {
    using world = repositories();
    const { from, to } = world;
    const first = world.commit('one');
    const name = world.push(from, [first]);
    const folder = join(from, 'objects/pack');
    // Nobody can link what is a folder, as nobody can on a file system without links.
    mkdirSync(join(folder, `${name}.rev`));
    expect(await world.copy(first)).toEqual([]);
    expect(world.objectsIn(to)).toEqual(world.objectsIn(from));
  });
});
