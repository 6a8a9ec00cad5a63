import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArchiveReader, textOf } from '../../../../src/backup/archive-reader.js';
import { ArchiveWriter } from '../../../../src/backup/archive-writer.js';
import { BackupError } from '../../../../src/backup/errors.js';
import {
  readEnd,
  readJournalLine,
  readManifest,
  readOtherLine,
  readRepositoryNote,
} from '../../../../src/backup/format.js';
import { decodeHeader, encodeHeader } from '../../../../src/backup/tar.js';
import { encodeBody } from '../../../../src/nostr/event-body.js';
import { LineTooLongError, readEventLine, splitLines } from '../../../../src/nostr/event-lines.js';
import { EventIndex } from '../../../../src/store/index/event-index.js';
import { sealBody, unsealBody } from '../../../../src/store/log/bodies/sealed-body.js';
import { noSegment, readSegment, recordsOf, SegmentWriter } from '../../../../src/store/log/segment.js';
import { readSnapshot, snapshotName, writeSnapshot } from '../../../../src/store/log/snapshot.js';
import { attempt, attemptAsync, claim, claimSame, type Target } from '../target.js';
import { buffersOf, sampleEvents, signer } from './samples.js';

const manifest = {
  format: 'graspd-backup',
  version: 1,
  program: '0.1.0',
  domain: 'git.example',
  moment: '2026-01-01T00:00:00.000Z',
  lastSequence: 7,
  expected: { events: 1, repositories: 0 },
};
const counts = {
  events: 1,
  damagedEvents: 0,
  journalRecords: 0,
  otherRecords: 0,
  repositories: 0,
  unreadableRepositories: 0,
};

function archive(): Buffer {
  const writer = new ArchiveWriter(1_700_000_000);
  return Buffer.concat([
    ...writer.file('manifest.json', Buffer.from(JSON.stringify(manifest))),
    ...writer.folder('git/1'),
    ...writer.file('events/000001.jsonl', Buffer.from('{"a":1}\n')),
    ...writer.link('git/2/x', 'git/1/x'),
    ...writer.end(counts),
  ]);
}

const whole = archive();

const archives: Target = {
  name: 'archive',
  cost: 3,
  form: 'bytes',
  words: ['ustar', '\0', '0000777', '00000000000', 'end.json', 'manifest.json', '\x80', '/../'],
  seeds: () => [whole],
  async run(input) {
    const entries = await attemptAsync(async () => {
      const reader = new ArchiveReader(asyncOf([input.subarray(0, 700), input.subarray(700)]));
      const found: string[] = [JSON.stringify(await reader.manifest())];
      for await (const { name, type, linkName, content } of reader.entries())
        found.push(`${type} ${name} ${linkName} ${await textOf(content)}`);
      return found;
    }, BackupError);
    // Its sum is of all that is before its end: what is taken is what was written.
    if (entries !== undefined)
      claim(input.subarray(0, 3_000).equals(whole.subarray(0, 3_000)), 'a changed backup is taken');
  },
};

const headers: Target = {
  name: 'tar-header',
  form: 'bytes',
  words: ['ustar\x0000', '0000777\0', '00000000000\0', '\x80', ' '],
  seeds: () => [
    encodeHeader({ type: 'file', name: 'git/1/x', size: 1_000, linkName: '', mtime: 1_700_000_000 }),
    encodeHeader({ type: 'file', name: 'big', size: 2 ** 40, linkName: '', mtime: 1 }),
    encodeHeader({ type: 'link', name: 'a', size: 0, linkName: 'b', mtime: 1 }),
    encodeHeader({ type: 'folder', name: 'a', size: 0, linkName: '', mtime: 0 }),
    Buffer.alloc(512),
  ],
  run(input) {
    const block = Buffer.alloc(512);
    input.copy(block);
    // Half of them have the right sum.
    if ((input[0] ?? 0) % 2 === 0) correctSum(block);
    const header = attempt(() => decodeHeader(block), BackupError);
    if (header === undefined) return;
    claim(Number.isSafeInteger(header.size) && header.size >= 0, 'a size is none');
    claim(header.type === 'file' || header.size === 0, 'what is no file has bytes');
    const again = attempt(() => encodeHeader({ ...header, mtime: 0 }), RangeError);
    if (again !== undefined)
      claimSame(decodeHeader(again), { ...header, mtime: 0 }, 'a header is another one');
  },
};

function correctSum(block: Buffer): void {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}

const notes: Target = {
  name: 'backup-note',
  cost: 4,
  form: 'json',
  words: ['base64', '====', 'graspd-backup'],
  seeds: () =>
    buffersOf([
      manifest,
      { ...counts, bytes: 1, sha256: 'ab' },
      {
        sort: 'announced',
        pubkey: signer.pubkey,
        identifier: 'x',
        head: 'refs/heads/main',
        closedSinceMs: 1,
      },
      { name: 'held:x', value: { base64: 'AAAA' } },
      { name: 'held:x', value: '{}' },
      { key: 'AA==', value: 'AAAA' },
    ]),
  run(input) {
    const text = input.toString('utf8');
    const read = [readManifest, readEnd, readRepositoryNote, readJournalLine, readOtherLine];
    for (const readNote of read) {
      const note = attempt(() => readNote(text), BackupError);
      if (note !== undefined) claimSame(readNote(JSON.stringify(note)), note, 'a note is another one');
    }
  },
};

const importLines: Target = {
  name: 'import-lines',
  cost: 3,
  form: 'text',
  words: ['\n', '\r\n', '\n\n', '\ufeff', '{', '}', '\0'],
  seeds: () => [
    Buffer.concat(sampleEvents.slice(0, 3).flatMap((event) => buffersOf([event, '\n']))),
    Buffer.from('\n\nx\r\n'),
  ],
  async run(input) {
    const read = async (pieces: readonly Buffer[]) => {
      const lines: string[] = [];
      for await (const some of splitLines(asyncOf(pieces), 5_000)) for (const line of some) lines.push(line);
      return lines;
    };
    const middle = input.length === 0 ? 0 : (input[0] as number) % input.length;
    const lines = await attemptAsync(() => read([input]), LineTooLongError);
    const inPieces = await attemptAsync(
      () => read([input.subarray(0, middle), input.subarray(middle)]),
      LineTooLongError,
    );
    claimSame(inPieces, lines, 'lines in pieces are other ones');
    for (const line of lines ?? []) {
      claim(line !== '' && !line.includes('\n'), 'a line is none');
      const event = readEventLine(line);
      if (event !== undefined)
        claimSame(readEventLine(JSON.stringify(event)), event, 'an event is another one');
    }
  },
};

async function* asyncOf(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
}

const bodies = sampleEvents.map((event) => Buffer.from(encodeBody(event)));
const sealedBodies = bodies.map((body) => sealBody(body, 7));

const sealed: Target = {
  name: 'sealed-body',
  form: 'bytes',
  words: ['\x01', '"', ',"content":', '\0\0\0\0'],
  seeds: () => [...sealedBodies, ...bodies],
  run(input) {
    const body = unsealBody(input, 7);
    if (body === undefined) return;
    const signature = (bytes: Uint8Array) => Buffer.concat([bytes.subarray(0, 64), bytes.subarray(128)]);
    // A body of schema 1 has no seal; its id is not of its signature.
    claim(
      bodies.some((known) => signature(known).equals(signature(body))),
      'a body is taken that nobody wrote',
    );
  },
};

const segmentSeeds = [1, 2, 7].map((records) => {
  const writer = new SegmentWriter();
  for (let record = 0; record < records; record += 1) {
    const words = new Uint32Array(14).map((_, at) => record * 100 + at);
    words[0] = 2;
    writer.copy(words);
  }
  return Buffer.from(writer.finish(9, noSegment, { life: 5, number: 1 }));
});

const segments: Target = {
  name: 'segment',
  form: 'bytes',
  words: ['gsg2', 'gsg1', '\0\0\0\0', '\xff\xff\xff\xff', '\x02\0\0\0'],
  seeds: () => segmentSeeds,
  run(input) {
    const segment = readSegment(1, input);
    if (segment === undefined) return;
    const wordBytes = input.subarray(0, input.length - (input.length % 4));
    claim(
      segmentSeeds.some((known) => known.equals(wordBytes)),
      'a segment is taken that nobody wrote',
    );
    claim([...recordsOf(segment)].length === segment.recordCount, 'a segment has other records');
  },
};

const hashSeed = new Uint8Array(16).fill(3);
const log = { segments: 1, records: 0, bytes: 0, last: { life: 5, number: 1 } };
const snapshotSeed = await inFolder(async (folder) => {
  await writeSnapshot(folder, new EventIndex(hashSeed), 'a database', log);
  return readFileSync(join(folder, snapshotName));
});

/** Works in a folder that is gone afterwards: the process may be ended at any other time. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'graspd-fuzz-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const snapshots: Target = {
  name: 'snapshot',
  cost: 30,
  form: 'bytes',
  words: ['partBytes', '-1', '1e12', '[', ']', 'null', '"last":', '\0\0\0\xff'],
  seeds: () => [snapshotSeed],
  async run(input) {
    const read = await inFolder((folder) => {
      writeFileSync(join(folder, snapshotName), input);
      return readSnapshot(folder, 'a database', hashSeed, async () => true);
    });
    claim(
      (read !== undefined) === input.equals(snapshotSeed),
      'a snapshot is taken that nobody wrote, or is not',
    );
  },
};

export const diskTargets: readonly Target[] = [
  archives,
  headers,
  notes,
  importLines,
  sealed,
  segments,
  snapshots,
];
