import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ArchiveReader, textOf } from '../../src/backup/archive-reader.js';
import { ArchiveWriter } from '../../src/backup/archive-writer.js';
import { blockBytes, decodeHeader, encodeHeader } from '../../src/backup/tar.js';
import { piecesOf } from './backup-world.js';
import { plainManifest } from './forged.js';

const manifest = Buffer.from(JSON.stringify(plainManifest));
const none = {
  events: 0,
  damagedEvents: 0,
  journalRecords: 0,
  otherRecords: 0,
  repositories: 0,
  unreadableRepositories: 0,
};

async function written(first = manifest): Promise<Buffer> {
  const writer = new ArchiveWriter(1_700_000_000);
  const pieces = [
    ...writer.file('manifest.json', first),
    ...writer.file('events/000001.jsonl', Buffer.from('{"a":1}\n')),
    ...writer.file('empty', Buffer.alloc(0)),
  ];
  for await (const piece of writer.stream('git/1/x', 1_000, piecesOf(Buffer.alloc(1_000, 'y'), 77))) {
    pieces.push(piece);
  }
  pieces.push(...writer.link('git/2/x', 'git/1/x'), ...writer.end(none));
  return Buffer.concat(pieces);
}

async function read(bytes: Buffer, size?: number): Promise<Record<string, string>> {
  const reader = new ArchiveReader(piecesOf(bytes, size));
  await reader.manifest();
  const found: Record<string, string> = {};
  for await (const { name, type, linkName, content } of reader.entries()) {
    found[name] = type === 'link' ? `-> ${linkName}` : await textOf(content);
  }
  return found;
}

describe('the file of a backup', () => {
  it('is a tar file that tar lists and takes apart', async () => {
    const input = await written();
    const tar = (...args: string[]) => execFileSync('tar', args, { input, encoding: 'utf8' });
    expect(tar('-tf', '-').trim().split('\n')).toEqual([
      'manifest.json',
      'events/000001.jsonl',
      'empty',
      'git/1/x',
      'git/2/x',
      'end.json',
    ]);
    expect(tar('-xOf', '-', 'events/000001.jsonl')).toBe('{"a":1}\n');
  });

  it('is read as it was written, in whatever pieces it comes', async () => {
    const bytes = await written();
    for (const size of [1, 511, 512, 513, 1_000_000]) {
      expect(await read(bytes, size)).toEqual({
        'events/000001.jsonl': '{"a":1}\n',
        empty: '',
        'git/1/x': 'y'.repeat(1_000),
        'git/2/x': '-> git/1/x',
      });
    }
  });

  it('is refused wherever it was cut off, changed or made longer', async () => {
    const bytes = await written();
    const end = bytes.length - 2 * blockBytes;
    for (let length = 0; length < end; length += 97) {
      await expect(read(bytes.subarray(0, length))).rejects.toMatchObject({ code: 'backup_damaged' });
    }
    for (let at = 0; at < end; at += 41) {
      const flipped = Buffer.from(bytes);
      flipped[at] = flipped[at]! ^ 4;
      const isOfEnd = at >= end - 2 * blockBytes;
      // What only describes the last entry, such as its time, is not part of what was written.
      if (!isOfEnd) await expect(read(flipped)).rejects.toMatchObject({ code: 'backup_damaged' });
    }
    const longer = Buffer.concat([bytes, Buffer.from('more')]);
    await expect(read(longer)).rejects.toThrow('something follows its end');
  });

  it('of a newer program says so, and what is no backup is told apart', async () => {
    const newer = Buffer.from(manifest.toString().replace('"version":1', '"version":2'));
    await expect(read(await written(newer))).rejects.toThrow('use a newer one');
    await expect(read(Buffer.from('no tar'.repeat(1_000)))).rejects.toThrow('no tar file');
    await expect(read(Buffer.alloc(10_240))).rejects.toThrow('does not begin with a manifest');
  });

  it('has no entries but files, folders and links, and no header that makes a reader take memory', () => {
    const header = encodeHeader({ type: 'file', name: 'a', size: 5, linkName: '', mtime: 0 });
    const ofType = (digit: string): Buffer => {
      const block = Buffer.from(header);
      block.write(digit, 156, 'latin1');
      let sum = 0x20 * 8;
      for (const [at, byte] of block.entries()) if (at < 148 || at >= 156) sum += byte;
      block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
      return block;
    };
    expect(decodeHeader(ofType('0'))).toMatchObject({ type: 'file', size: 5 });
    // Symbolic links, devices, GNU long names, pax headers.
    for (const digit of ['2', '3', '4', '6', 'L', 'K', 'x', 'g', 'S']) {
      expect(() => decodeHeader(ofType(digit))).toThrow('a type that no backup has');
    }
    expect(() => decodeHeader(ofType('1'))).toThrow('has bytes, but is no file');
    expect(() => encodeHeader({ type: 'file', name: 'é', size: 0, linkName: '', mtime: 0 })).toThrow();
  });

  it('can have files beyond what octal digits hold', () => {
    const size = 20_000_000_000;
    const header = encodeHeader({ type: 'file', name: 'a', size, linkName: '', mtime: 0 });
    expect(decodeHeader(header)).toMatchObject({ size });
  });
});
