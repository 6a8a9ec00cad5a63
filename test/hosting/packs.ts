import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
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
