import { open } from 'node:fs/promises';

/** An index of version 2 (gitformat-pack): a signature, how many names begin with each byte or a lower one, the names. */
const signature = Buffer.of(0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2);
const countsBytes = 256 * 4;
const headBytes = signature.length + countsBytes;
const nameBytes = 20;

/** How many objects a pack has, as its index says; `undefined` where that is written in another way. */
export async function countObjects(indexPath: string): Promise<number | undefined> {
  const file = await open(indexPath);
  try {
    const head = Buffer.alloc(headBytes);
    await file.read(head, 0, headBytes, 0);
    return head.subarray(0, signature.length).equals(signature)
      ? head.readUInt32BE(headBytes - 4)
      : undefined;
  } finally {
    await file.close();
  }
}

/** The object ids of a pack with so many objects, in hex, some at a time. */
export async function* objectIdsOf(indexPath: string, count: number): AsyncGenerator<string[]> {
  const file = await open(indexPath);
  try {
    for (let at = 0; at < count; at += namesPerPiece) {
      const names = Buffer.alloc(Math.min(namesPerPiece, count - at) * nameBytes);
      const { bytesRead } = await file.read(names, 0, names.length, headBytes + at * nameBytes);
      const ids: string[] = [];
      for (let from = 0; from < bytesRead; from += nameBytes) {
        ids.push(names.toString('hex', from, from + nameBytes));
      }
      yield ids;
    }
  } finally {
    await file.close();
  }
}

/** Between two pieces is a turn of the event loop. */
const namesPerPiece = 4_000;
