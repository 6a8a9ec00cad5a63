import { damagedBackup } from './errors.js';

/*
 * The part of the tar format (POSIX ustar) that backups are made of: files, hard links to earlier files and folders, with
 * names of ASCII up to 100 bytes. What else tar knows (long names, owners, symbolic links, sparse files) is what a hostile
 * file would use; here it is an error. So no library: those read all of it, and headers of any length into memory.
 *
 *     | name 100 | mode 8 | uid 8 | gid 8 | size 12 | mtime 12 | checksum 8 | type 1 | link name 100 | "ustar\0" "00" | …
 */
export const blockBytes = 512;

/** A number in octal digits as tar has it. */
const fields = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
} as const;

const magic = 'ustar\u000000';
const typeDigits = { file: '0', link: '1', folder: '5' } as const;
/** Sizes from here on are written in binary, as GNU tar does. */
const octalSizeMax = 8 ** 11 - 1;

export type TarType = keyof typeof typeDigits;

export type TarHeader = {
  readonly type: TarType;
  readonly name: string;
  /** Bytes that follow; 0 unless it is a file. */
  readonly size: number;
  /** The name of the file that a link stands for, else empty. */
  readonly linkName: string;
  /** In seconds since 1970. */
  readonly mtime: number;
};

/** The block before the content of an entry. Throws `RangeError` for a name that does not fit. */
export function encodeHeader({ type, name, size, linkName, mtime }: TarHeader): Buffer {
  const block = Buffer.alloc(blockBytes);
  put(block, 'name', checkedName(name));
  put(block, 'linkName', checkedName(linkName));
  put(block, 'mode', type === 'folder' ? '0000700\0' : '0000600\0');
  put(block, 'uid', '0000000\0');
  put(block, 'gid', '0000000\0');
  put(block, 'mtime', `${mtime.toString(8).padStart(11, '0')}\0`);
  put(block, 'type', typeDigits[type]);
  put(block, 'magic', magic);
  if (size <= octalSizeMax) put(block, 'size', `${size.toString(8).padStart(11, '0')}\0`);
  else {
    const [at] = fields.size;
    block[at] = 0x80;
    block.writeBigUInt64BE(BigInt(size), at + 4);
  }
  put(block, 'checksum', `${checksumOf(block).toString(8).padStart(6, '0')}\0 `);
  return block;
}

/** What a block says; `undefined` for one of zeros, which ends an archive. Throws `BackupError`. */
export function decodeHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (textIn(block, 'magic') !== 'ustar' || checksumOf(block) !== octalIn(block, 'checksum')) {
    throw damagedBackup('it is no tar file, or a damaged one');
  }
  const name = textIn(block, 'name');
  const digit = textIn(block, 'type');
  const type = (Object.keys(typeDigits) as TarType[]).find((one) => typeDigits[one] === digit);
  if (type === undefined)
    throw damagedBackup(`it has an entry of a type that no backup has (${quoted(name)})`);
  const size = sizeIn(block);
  if (type !== 'file' && size !== 0) throw damagedBackup(`${quoted(name)} has bytes, but is no file`);
  return { type, name, size, linkName: textIn(block, 'linkName'), mtime: octalIn(block, 'mtime') };
}

/** Bytes of zeros that follow content of that size, up to the next block. */
export function paddingBytes(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

/** A name of a stranger as a message may show it. */
export function quoted(name: string): string {
  return JSON.stringify(name).replaceAll(/[^\u0020-\u007e]/g, '?');
}

type Field = keyof typeof fields;

function put(block: Buffer, field: Field, text: string): void {
  block.write(text, fields[field][0], 'latin1');
}

function checkedName(name: string): string {
  if (name.length > fields.name[1] || !/^[\u0020-\u007e]*$/.test(name)) {
    throw new RangeError(`${quoted(name)} cannot be the name of an entry`);
  }
  return name;
}

function textIn(block: Buffer, field: Field): string {
  const [at, length] = fields[field];
  const text = block.toString('latin1', at, at + length);
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

function octalIn(block: Buffer, field: Field): number {
  const digits = textIn(block, field).trim();
  if (!/^[0-7]{1,12}$/.test(digits)) throw damagedBackup('a header of the tar file is damaged');
  return Number.parseInt(digits, 8);
}

function sizeIn(block: Buffer): number {
  const [at] = fields.size;
  if (block[at] !== 0x80) return octalIn(block, 'size');
  const size = Number(block.readBigUInt64BE(at + 4));
  if (!Number.isSafeInteger(size)) throw damagedBackup('a header of the tar file is damaged');
  return size;
}

/** The sum of all bytes, with spaces in the place of the sum itself. */
function checksumOf(block: Buffer): number {
  const [at, length] = fields.checksum;
  let sum = 0x20 * length;
  for (let index = 0; index < blockBytes; index += 1) {
    if (index < at || index >= at + length) sum += block[index]!;
  }
  return sum;
}
