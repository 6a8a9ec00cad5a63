import { createHash } from 'node:crypto';
import { exceeds } from '../config/limit-use.js';
import { ByteSource } from './byte-source.js';
import { damagedBackup } from './errors.js';
import { type BackupEnd, entryNames, type Manifest, readEnd, readManifest } from './format.js';
import { blockBytes, decodeHeader, paddingBytes, quoted, type TarHeader } from './tar.js';

/** One entry of a backup between its manifest and its end. */
export type ArchiveEntry = TarHeader & {
  /** What it has; may be read once, before the next entry is asked for. */
  readonly content: AsyncGenerator<Buffer>;
};

/**
 * Reads a backup from its first to its last byte. That it is whole, and what was written, is known only when the entries
 * have come to their end: until then nothing of it may count.
 */
export class ArchiveReader {
  readonly #source: ByteSource;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#source = new ByteSource(chunks);
  }

  /** Reads what it begins with. Throws `BackupError`. */
  async manifest(): Promise<Manifest> {
    const header = await this.#header();
    if (header?.name !== entryNames.manifest) throw damagedBackup('it does not begin with a manifest');
    return readManifest(await this.#note(header));
  }

  /** The entries after the manifest; the last thing that it gives is what the end says, which was checked. Throws `BackupError`. */
  async *entries(): AsyncGenerator<ArchiveEntry, BackupEnd> {
    for (;;) {
      const sha256 = this.#hash.copy().digest('hex');
      const bytes = this.#bytes;
      const header = await this.#header();
      if (header === undefined) throw damagedBackup('it is cut short: what ends it is not there');
      if (header.name === entryNames.end) return await this.#end(header, { sha256, bytes });
      const content = this.#content(header.size);
      yield { ...header, content };
      // What nobody wanted is read nevertheless.
      for await (const _ of content);
    }
  }

  /** Lets go of the file, wherever the reading came to. */
  async close(): Promise<void> {
    await this.#source.close();
  }

  async #end(header: TarHeader, found: Pick<BackupEnd, 'sha256' | 'bytes'>): Promise<BackupEnd> {
    const end = readEnd(await this.#note(header));
    if (end.sha256 !== found.sha256 || end.bytes !== found.bytes) {
      throw damagedBackup('it is not what was written: its SHA-256 is another one');
    }
    for (;;) {
      const rest = await this.#source.some(blockBytes);
      if (rest === undefined) return end;
      if (rest.some((byte) => byte !== 0)) throw damagedBackup('something follows its end');
    }
  }

  async #header(): Promise<TarHeader | undefined> {
    return decodeHeader(this.#told(await this.#source.all(blockBytes)));
  }

  async #note(header: TarHeader): Promise<string> {
    if (header.type !== 'file' || exceeds('backupNoteBytesMax', header.size)) {
      throw damagedBackup(`${quoted(header.name)} is not as it should be`);
    }
    return await textOf(this.#content(header.size));
  }

  async *#content(size: number): AsyncGenerator<Buffer> {
    for await (const piece of this.#source.pieces(size)) yield this.#told(piece);
    this.#told(await this.#source.all(paddingBytes(size)));
  }

  #told(piece: Buffer): Buffer {
    this.#hash.update(piece);
    this.#bytes += piece.length;
    return piece;
  }
}

/** Content as text, which has to fit in memory. */
export async function textOf(content: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/** Content as text, if it has no more than so many bytes. Throws `BackupError`. */
export async function boundedTextOf(entry: ArchiveEntry, bytesMax: number): Promise<string> {
  if (entry.size <= bytesMax) return await textOf(entry.content);
  throw damagedBackup(`${quoted(entry.name)} has more than ${bytesMax} bytes`);
}
