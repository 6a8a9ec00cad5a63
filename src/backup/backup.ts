import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../config/limits.js';
import { programVersion } from '../config/version.js';
import { fileKey } from '../git/objects/pack-files.js';
import { type Clock, secondMs } from '../lib/clock.js';
import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
import type { StoreImage } from '../store/log/store-image.js';
import { ArchiveWriter } from './archive-writer.js';
import { BackupError } from './errors.js';
import { type BackupCounts, entryNames, formatName, formatVersion, type Manifest } from './format.js';
import { checkRestored, isRestoreMark, readRestoreMark } from './restore/restore-mark.js';
import {
  objectFilesOf,
  repositoriesOnDisk,
  StagedRepositories,
  type StagingParts,
} from './staged-repositories.js';

export type BackupParts = StagingParts & {
  /** Whether the repositories are to be in it. */
  readonly hasRepositories: boolean;
  /** All that is stored at the call. */
  image(): Promise<StoreImage>;
  /** Events that are stored, about. */
  readonly size: () => number;
  readonly domain: string;
  readonly clock: Clock;
  /** Of the event loop. */
  readonly turns: WorkTurns;
  /** Told when the moment has come that the backup is of. */
  readonly onMoment: (manifest: Manifest) => void;
};

/** Counts as they are added up. */
type Tally = { -readonly [Key in keyof BackupCounts]: BackupCounts[Key] };

/**
 * The bytes of a backup of all that is stored at the call, or of all but the repositories. Events first, as they are at one moment; meanwhile the
 * repositories are linked aside. A repository may so be newer than the events, and never older: what states named at the
 * moment is there, for git keeps for two weeks what refs do not lead to any more, and the start sets the refs as the events
 * say. Whoever leaves the loop, or the signal that aborts, lets go of all that it holds.
 */
export async function* makeBackup(parts: BackupParts, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { clock, hasRepositories } = parts;
  await using staged = hasRepositories ? await StagedRepositories.open(parts) : undefined;
  const image = await parts.image();
  const momentMs = clock.now();
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  try {
    const keys = hasRepositories ? await repositoriesOnDisk(parts.repositories) : [];
    const manifest: Manifest = {
      format: formatName,
      version: formatVersion,
      program: programVersion,
      domain: parts.domain,
      store: image.databaseId,
      hasRepositories,
      moment: new Date(momentMs).toISOString(),
      lastSequence: image.lastSequence,
      expected: { events: parts.size(), repositories: keys.length },
    };
    parts.onMoment(manifest);
    const staging = staged?.stage(keys, momentMs, either);
    // It is waited for below; until then a failure must not count as one that nobody handles.
    staging?.catch(() => {});
    try {
      const writer = new ArchiveWriter(Math.floor(momentMs / secondMs));
      const tally: Tally = {
        events: 0,
        damagedEvents: 0,
        journalRecords: 0,
        otherRecords: 0,
        repositories: 0,
        unreadableRepositories: 0,
      };
      yield* writer.file(entryNames.manifest, Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`));
      yield* databaseParts(image, writer, tally, parts, either);
      await image[Symbol.asyncDispose]();
      await staging;
      if (staged !== undefined) yield* repositoryParts(staged, writer, tally);
      yield* writer.end(tally);
    } finally {
      stop.abort();
      await staging?.catch(() => {});
    }
  } finally {
    await image[Symbol.asyncDispose]();
  }
}

async function* databaseParts(
  image: StoreImage,
  writer: ArchiveWriter,
  tally: Tally,
  { clock, turns }: BackupParts,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const endsAtMs = clock.monotonic() + limits.backupEventsMsMax;
  const goOn = async (): Promise<void> => {
    if (clock.monotonic() > endsAtMs) {
      const why = `its reader took longer than ${limits.backupEventsMsMax} ms to take the events`;
      throw new BackupError('backup_slow', `the backup was given up: ${why}`);
    }
    if (turns.isOver) await turns.next(signal);
    signal.throwIfAborted();
  };
  const events = new LineFiles(writer, 'events');
  for await (const some of image.events()) {
    await goOn();
    for (const event of some) {
      if (event === 'damaged') tally.damagedEvents += 1;
      else {
        tally.events += 1;
        yield* events.add(event);
      }
    }
  }
  yield* events.rest();
  const journal = new LineFiles(writer, 'journal');
  for await (const { name, value } of image.journal()) {
    await goOn();
    if (isRestoreMark({ name })) {
      checkRestored(readRestoreMark(value));
      continue;
    }
    tally.journalRecords += 1;
    const shown = isUtf8(value) ? Buffer.from(value).toString('utf8') : { base64: base64(value) };
    yield* journal.add(jsonLine({ name, value: shown }));
  }
  yield* journal.rest();
  const others = new LineFiles(writer, 'database');
  for await (const { key, value } of image.others()) {
    await goOn();
    tally.otherRecords += 1;
    yield* others.add(jsonLine({ key: base64(key), value: base64(value) }));
  }
  yield* others.rest();
}

async function* repositoryParts(
  staged: StagedRepositories,
  writer: ArchiveWriter,
  tally: Tally,
): AsyncGenerator<Buffer> {
  /** The names of packs in the backup, by the file on the disk that they are: several repositories may have the same. */
  const given = new Map<string, string>();
  for (let number = 1; number <= staged.count; number += 1) {
    const path = staged.pathOf(number);
    const folder = `git/${number}`;
    for (const name of ['repository.json', 'packed-refs']) {
      const file = join(path, name);
      yield* fileAt(writer, `${folder}/${name}`, file, (await stat(file)).size);
    }
    for (const name of await objectFilesOf(path)) {
      const file = join(path, 'objects', name);
      const found = await stat(file);
      const entry = `${folder}/objects/${name}`;
      const known = given.get(fileKey(found));
      if (known !== undefined) yield* writer.link(entry, known);
      else yield* fileAt(writer, entry, file, found.size);
      if (name.startsWith('pack/')) given.set(fileKey(found), known ?? entry);
    }
    tally.repositories += 1;
  }
  tally.unreadableRepositories = staged.unreadable;
}

function fileAt(writer: ArchiveWriter, name: string, path: string, size: number): AsyncGenerator<Buffer> {
  return writer.stream(name, size, createReadStream(path) as AsyncIterable<Buffer>);
}

/** Lines that become files of some size: tar has to know the size of each before its content. */
class LineFiles {
  readonly #writer: ArchiveWriter;
  readonly #folder: string;
  #lines: Buffer[] = [];
  #bytes = 0;
  #files = 0;

  constructor(writer: ArchiveWriter, folder: string) {
    this.#writer = writer;
    this.#folder = folder;
  }

  /** Adds a line; gives the bytes of the file that it fills. */
  *add(line: Buffer): Generator<Buffer> {
    this.#lines.push(line, newline);
    this.#bytes += line.length + newline.length;
    if (this.#bytes >= limits.backupLinesBytesMin) yield* this.rest();
  }

  /** The bytes of the file that is not full. */
  *rest(): Generator<Buffer> {
    if (this.#lines.length === 0) return;
    this.#files += 1;
    const content = Buffer.concat(this.#lines, this.#bytes);
    this.#lines = [];
    this.#bytes = 0;
    yield* this.#writer.file(`${this.#folder}/${String(this.#files).padStart(6, '0')}.jsonl`, content);
  }
}

const newline = Buffer.from('\n');

function jsonLine(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
