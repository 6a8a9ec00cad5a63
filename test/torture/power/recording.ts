import { execFile } from 'node:child_process';
import { chmod, link, lstat, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CrashModel, type FoundFile, type LeftEntry, type LeftFolder } from './crash-model.js';
import { type DiskRecord, readRecords } from './records.js';

const run = promisify(execFile);
const source = fileURLToPath(new URL('recorder.c', import.meta.url));

/** Whether a C compiler is here, which the recorder needs. */
export async function hasCompiler(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  return await run('cc', ['--version']).then(
    () => true,
    () => false,
  );
}

/** Notes what a daemon and its git do to the files below a folder. */
export class Recorder {
  readonly #library: string;
  readonly #programs: string;

  private constructor(folder: string) {
    this.#library = join(folder, 'recorder.so');
    this.#programs = join(folder, 'programs');
  }

  /** Compiles it into a folder. */
  static async make(folder: string): Promise<Recorder> {
    const recorder = new Recorder(folder);
    await mkdir(recorder.#programs, { recursive: true });
    await run('cc', ['-O1', '-shared', '-fPIC', source, '-o', recorder.#library, '-ldl', '-lpthread']);
    return recorder;
  }

  /** Begins with what is in `root`; `syncUs` is how long a disk takes to force something, in microseconds. */
  async record(root: string, log: string, syncUs: number): Promise<Recording> {
    const recording = {
      LD_PRELOAD: this.#library,
      RECORD_ROOT: root,
      RECORD_LOG: log,
      RECORD_SYNC_US: String(syncUs),
    };
    // The daemon gives its git an environment of its own.
    const git = (await run('/bin/sh', ['-c', 'command -v git'])).stdout.trim();
    const settings = Object.entries(recording).map(([name, value]) => `export ${name}='${value}'\n`);
    const wrapper = join(this.#programs, 'git');
    await writeFile(wrapper, `#!/bin/sh\n${settings.join('')}exec ${git} "$@"\n`);
    await chmod(wrapper, 0o700);
    const environment = {
      ...recording,
      UV_USE_IO_URING: '0',
      PATH: `${this.#programs}:${process.env.PATH}`,
    };
    return new Recording(root, log, environment, await diskBelow(root));
  }
}

/** All that was done to the files below a folder, once it is over. */
export class Recording {
  readonly environment: Readonly<Record<string, string>>;
  readonly #root: string;
  readonly #log: string;
  readonly #begin: Awaited<ReturnType<typeof diskBelow>>;

  constructor(
    root: string,
    log: string,
    environment: Readonly<Record<string, string>>,
    begin: Awaited<ReturnType<typeof diskBelow>>,
  ) {
    this.#root = root;
    this.#log = log;
    this.environment = environment;
    this.#begin = begin;
  }

  async records(): Promise<DiskRecord[]> {
    return [...readRecords(await readFile(this.#log))];
  }

  /** The disk as it was when the recording began. */
  model(): CrashModel {
    return new CrashModel(this.#root, this.#begin.folders, this.#begin.files);
  }

  /** Where a model that was told all differs from the files that are there: then something was not noted. */
  async differences(model: CrashModel): Promise<string[]> {
    const { files } = await diskBelow(this.#root);
    const here = new Map(files.map(({ path, bytes }) => [relative(this.#root, path), bytes]));
    const noted = new Map(filesOf(model.now()));
    const names = [...new Set([...here.keys(), ...noted.keys()])].filter(
      (name) => !/\/LOG(\.old)?$/.test(name),
    );
    return names.filter((name) => {
      const [a, b] = [here.get(name), noted.get(name)];
      return a === undefined || b === undefined || !a.equals(b);
    });
  }
}

/** The folders and files below a folder; sockets are left out, for they name no bytes. */
async function diskBelow(root: string): Promise<{ readonly folders: string[]; readonly files: FoundFile[] }> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const pathOf = (entry: (typeof entries)[number]) => join(entry.parentPath, entry.name);
  const folders = entries.filter((entry) => entry.isDirectory()).map(pathOf);
  folders.sort((a, b) => a.length - b.length);
  const files = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => {
      const path = pathOf(entry);
      const { ino } = await lstat(path, { bigint: true });
      return { path, inode: ino, bytes: await readFile(path) };
    });
  return { folders, files: await Promise.all(files) };
}

function* filesOf(folder: LeftFolder, below = ''): Generator<[path: string, bytes: Buffer]> {
  for (const [name, entry] of folder.entries) {
    const path = join(below, name);
    if (entry.type === 'folder') yield* filesOf(entry, path);
    else yield [path, entry.bytes];
  }
}

/** Writes what a power failure left into a new folder: files are older than the machine runs. */
export async function writeLeft(left: LeftFolder, path: string): Promise<void> {
  const before = Date.now() / 1_000 - uptime() - 60;
  const written = new Map<LeftEntry, string>();
  const writeAll = async (folder: LeftFolder, at: string): Promise<void> => {
    await mkdir(at, { recursive: true });
    for (const [name, entry] of folder.entries) {
      const to = join(at, name);
      if (entry.type === 'folder') {
        await writeAll(entry, to);
        continue;
      }
      const same = written.get(entry);
      if (same === undefined) {
        await writeFile(to, entry.bytes, { mode: 0o600 });
        await utimes(to, before, before);
      } else await link(same, to);
      written.set(entry, to);
    }
  };
  await mkdir(dirname(path), { recursive: true });
  await writeAll(left, path);
}
