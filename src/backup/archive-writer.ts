import { createHash } from 'node:crypto';
import { type BackupCounts, type BackupEnd, entryNames } from './format.js';
import { blockBytes, encodeHeader, paddingBytes, type TarType } from './tar.js';

/** Turns the parts of a backup into the bytes of its file, one after the other, and sums up what it gave. */
export class ArchiveWriter {
  readonly #hash = createHash('sha256');
  readonly #mtime: number;
  #bytes = 0;

  /** `mtime`: that of all files in it, in seconds since 1970. */
  constructor(mtime: number) {
    this.#mtime = mtime;
  }

  *folder(name: string): Generator<Buffer> {
    yield this.#told(this.#header('folder', name, 0));
  }

  /** A further name of a file that was given before. */
  *link(name: string, linkName: string): Generator<Buffer> {
    yield this.#told(this.#header('link', name, 0, linkName));
  }

  /** A file that is in memory. */
  *file(name: string, content: Buffer): Generator<Buffer> {
    yield this.#told(this.#header('file', name, content.length));
    if (content.length > 0) yield this.#told(content);
    yield* this.#padding(content.length);
  }

  /** A file of `size` bytes that is read as it is given. Throws `RangeError` where it has another size. */
  async *stream(name: string, size: number, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    yield this.#told(this.#header('file', name, size));
    let left = size;
    for await (const piece of content) {
      left -= piece.length;
      if (left < 0) break;
      yield this.#told(piece);
    }
    if (left !== 0) throw new RangeError(`${name} changed its size while it was read`);
    yield* this.#padding(size);
  }

  /** What ends the backup; nothing may follow. */
  *end(counts: BackupCounts): Generator<Buffer> {
    const end: BackupEnd = { ...counts, bytes: this.#bytes, sha256: this.#hash.copy().digest('hex') };
    yield* this.file(entryNames.end, Buffer.from(`${JSON.stringify(end)}\n`));
    yield Buffer.alloc(2 * blockBytes);
  }

  #header(type: TarType, name: string, size: number, linkName = ''): Buffer {
    return encodeHeader({ type, name, size, linkName, mtime: this.#mtime });
  }

  *#padding(size: number): Generator<Buffer> {
    const bytes = paddingBytes(size);
    if (bytes > 0) yield this.#told(Buffer.alloc(bytes));
  }

  #told(piece: Buffer): Buffer {
    this.#hash.update(piece);
    this.#bytes += piece.length;
    return piece;
  }
}
