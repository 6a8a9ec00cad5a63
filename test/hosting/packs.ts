import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { git, gitBytes } from '../git/scratch.js';

/** A pack of a blob and of a delta upon it that makes an object of `size` bytes. */
export function deltaBomb(size: number): Buffer {
  const base = Buffer.alloc(0xffffff);
  const id = createHash('sha1').update(`blob ${base.length}\0`).update(base).digest();
  // Copies all of the base, again and again.
  const copy = Buffer.of(0xf0, 0xff, 0xff, 0xff);
  const copies = Math.ceil(size / base.length);
  const header = [varint(base.length), varint(copies * base.length)];
  const delta = Buffer.concat([...header, ...Array.from({ length: copies }, () => copy)]);
  const objects = [
    [objectHeader(3, base.length), deflateSync(base, { level: 9 })],
    [objectHeader(7, delta.length), id, deflateSync(delta)],
  ];
  const head = Buffer.from('PACK\0\0\0\u0002\0\0\0\u0002', 'latin1');
  const pack = Buffer.concat([head, ...objects.flat()]);
  return Buffer.concat([pack, createHash('sha1').update(pack).digest()]);
}

/** An object that is there, and what is to stand behind all of it. */
export type Change = { readonly id: string; readonly bytes: number; readonly behind: string };

/** A pack of such changes, of a few bytes each: git completes it by all that they are changes of. */
export function changesOf(changes: readonly Change[]): Buffer {
  const deltas = changes.map(({ id, bytes, behind }) => {
    const all = Buffer.of(0xf0, bytes & 0xff, (bytes >> 8) & 0xff, bytes >> 16);
    const sizes = [varint(bytes), varint(bytes + behind.length)];
    const delta = Buffer.concat([...sizes, all, inserted(behind)]);
    return Buffer.concat([objectHeader(7, delta.length), Buffer.from(id, 'hex'), deflateSync(delta)]);
  });
  const head = Buffer.from('PACK\0\0\0\u0002\0\0\0\0', 'latin1');
  head.writeUInt32BE(deltas.length, 8);
  const pack = Buffer.concat([head, ...deltas]);
  return Buffer.concat([pack, createHash('sha1').update(pack).digest()]);
}

/** A pack that changes a little of each of these blobs, and says so by what it changes: git completes it by all of them. */
export function thinPack(
  gitDir: string,
  blobs: readonly string[],
): { readonly pack: Buffer; readonly tip: string } {
  const changed = blobs.map((id) => {
    const text = gitBytes(gitDir, ['cat-file', 'blob', id]).toString('latin1');
    return git(gitDir, ['hash-object', '-w', '--stdin'], `${text}x`);
  });
  const tree = git(gitDir, ['mktree'], changed.map((id, n) => `100644 blob ${id}\tf${n}\n`).join(''));
  const before = git(gitDir, ['mktree'], blobs.map((id, n) => `100644 blob ${id}\tf${n}\n`).join(''));
  const parent = git(gitDir, ['commit-tree', before, '-m', 'large']);
  const tip = git(gitDir, ['commit-tree', tree, '-p', parent, '-m', 'changed']);
  const args = ['pack-objects', '--revs', '--stdout', '--quiet', '--thin'];
  return { pack: gitBytes(gitDir, args, `${tip}\n^${parent}\n`), tip };
}

/**
 * A pack of a commit of so many files, each of about so many bytes, which are small changes of a blob that nothing names; and
 * the repository that takes it has git never write such changes by itself, as it does with large files.
 */
export function growingPack(
  gitDir: string,
  takerDir: string,
  files: number,
  bytes: number,
): { readonly pack: Buffer; readonly tip: string } {
  const noise = randomBytes(bytes / 2).toString('hex');
  const write = (text: string) => git(gitDir, ['hash-object', '-w', '--stdin'], text);
  const hidden = write(`${noise} and more than the others have`);
  const blobs = Array.from({ length: files }, (_, n) => write(`${noise}${n}`));
  const tree = git(gitDir, ['mktree'], blobs.map((id, n) => `100644 blob ${id}\tf${n}\n`).join(''));
  const tip = git(gitDir, ['commit-tree', tree, '-m', 'growing']);
  const args = ['pack-objects', '--stdout', '--quiet', '--depth=1', `--window=${files + 1}`];
  const pack = gitBytes(gitDir, args, `${[hidden, ...blobs, tree, tip].join('\n')}\n`);
  mkdirSync(join(takerDir, 'info'), { recursive: true });
  writeFileSync(join(takerDir, 'info', 'attributes'), '* -delta\n');
  return { pack, tip };
}

/**
 * A pack of a history of commits of about so many bytes each, of which the newest builds upon so many others as deltas, one after
 * the other; each delta before, or behind, what it builds upon.
 */
export function chainedPack(
  depth: number,
  bytes: number,
  isBackwards = false,
): { readonly pack: Buffer; readonly tip: string } {
  const tree = idOf('tree', '');
  const head = `tree ${tree}\nparent `;
  const rest = `\nauthor ${someone}\ncommitter ${someone}\n\n`.padEnd(bytes, 'x');
  const root = `tree ${tree}${rest}`;
  const rootId = idOf('commit', root);
  const first = `${head}${rootId}${rest}`;
  const wholes = [wholeObject(2, ''), wholeObject(1, root), wholeObject(1, first)];
  const deltas: Buffer[] = [];
  let tip = idOf('commit', first);
  for (let at = 0; at < depth; at += 1) {
    // All of the commit before, but for its parent.
    const parts = [copied(0, head.length), inserted(tip), copied(head.length + tip.length, rest.length)];
    const delta = Buffer.concat([varint(first.length), varint(first.length), ...parts]);
    const base = Buffer.from(tip, 'hex');
    deltas.push(Buffer.concat([objectHeader(7, delta.length), base, deflateSync(delta)]));
    tip = idOf('commit', `${head}${tip}${rest}`);
  }
  const objects = [...wholes, ...deltas];
  if (isBackwards) objects.reverse();
  const start = Buffer.from('PACK\0\0\0\u0002\0\0\0\0', 'latin1');
  start.writeUInt32BE(objects.length, 8);
  const pack = Buffer.concat([start, ...objects]);
  return { pack: Buffer.concat([pack, createHash('sha1').update(pack).digest()]), tip };
}

/** How many objects the deepest in the packs of a repository builds upon as a delta, one after the other. */
export function deepestIn(gitDir: string): number {
  const folder = join(gitDir, 'objects/pack');
  const indexes = readdirSync(folder).filter((name) => name.endsWith('.idx'));
  const lines = indexes.flatMap((name) => git(gitDir, ['verify-pack', '-v', join(folder, name)]).split('\n'));
  // Of a delta: id, type, bytes, bytes in the pack, where it is there, depth, and what it builds upon.
  const depths = lines.map((line) => line.split(/ +/)).filter((fields) => fields.length === 7);
  return depths.reduce((deepest, fields) => Math.max(deepest, Number(fields[5])), 0);
}

const someone = 'a <a@example.com> 1700000000 +0000';

function idOf(type: string, text: string): string {
  return createHash('sha1').update(`${type} ${text.length}\0${text}`).digest('hex');
}

function wholeObject(type: number, text: string): Buffer {
  return Buffer.concat([objectHeader(type, text.length), deflateSync(text)]);
}

/** The part of a delta that takes so many bytes, less than 64 KiB, from there in what it builds upon. */
function copied(from: number, bytes: number): Buffer {
  return Buffer.of(0xb1, from, bytes & 0xff, bytes >> 8);
}

/** The part of a delta that is a text of less than 128 bytes. */
function inserted(text: string): Buffer {
  return Buffer.from(`${String.fromCharCode(text.length)}${text}`, 'latin1');
}

/** A number as the head of a delta has it: seven bits a byte, the lowest first. */
function varint(number: number): Buffer {
  const bytes: number[] = [];
  for (let left = number; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) | 0x80);
  }
}

function objectHeader(type: number, size: number): Buffer {
  const first = (type << 4) | (size & 0x0f);
  const left = Math.floor(size / 16);
  return left === 0 ? Buffer.of(first) : Buffer.concat([Buffer.of(first | 0x80), varint(left)]);
}
