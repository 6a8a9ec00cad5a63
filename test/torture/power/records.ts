/** What changed a file or a name, as `recorder.c` noted it, at a time of `process.hrtime.bigint()`. */
export type DiskRecord = { readonly time: bigint } & (
  | { readonly type: 'create'; readonly path: string; readonly inode: bigint }
  | { readonly type: 'write'; readonly inode: bigint; readonly at: number; readonly data: Buffer }
  | { readonly type: 'resize'; readonly inode: bigint; readonly size: number }
  | { readonly type: 'rename' | 'link'; readonly path: string; readonly to: string }
  | { readonly type: 'unlink' | 'folder'; readonly path: string }
  | { readonly type: 'sync-begin'; readonly inode: bigint; readonly which: bigint }
  | { readonly type: 'sync-file'; readonly inode: bigint; readonly which: bigint }
  | { readonly type: 'sync-folder'; readonly path: string; readonly which: bigint }
);

const headBytes = 40;

/** Reads the records of a log, in the order in which things happened. A record at its end that is cut short is left out. */
export function* readRecords(log: Buffer): Generator<DiskRecord> {
  for (let from = 0; from + headBytes <= log.length; ) {
    const bytes = log.readUInt32LE(from);
    if (from + bytes > log.length) return;
    yield readRecord(log.subarray(from, from + bytes));
    from += bytes;
  }
}

function readRecord(bytes: Buffer): DiskRecord {
  const [pathBytes, toBytes] = [bytes.readUInt16LE(6), bytes.readUInt16LE(8)];
  const time = bytes.readBigUInt64LE(16);
  const inode = bytes.readBigUInt64LE(24);
  const which = bytes.readBigUInt64LE(32);
  const path = pathIn(bytes.subarray(headBytes, headBytes + pathBytes));
  const to = pathIn(bytes.subarray(headBytes + pathBytes, headBytes + pathBytes + toBytes));
  const data = bytes.subarray(headBytes + pathBytes + toBytes);
  const operation = bytes[4];
  switch (operation) {
    case 1:
      return { time, type: 'create', path, inode };
    case 2:
      return { time, type: 'write', inode, at: Number(which), data };
    case 3:
      return { time, type: 'resize', inode, size: Number(which) };
    case 4:
      return { time, type: 'rename', path, to };
    case 5:
      return { time, type: 'link', path, to };
    case 6:
      return { time, type: 'unlink', path };
    case 7:
      return { time, type: 'folder', path };
    case 8:
      return { time, type: 'sync-begin', inode, which };
    case 9:
      return { time, type: 'sync-file', inode, which };
    case 10:
      return { time, type: 'sync-folder', path, which };
    default:
      throw new Error(`a record has the operation ${operation}`);
  }
}

/** Without empty steps and those that lead to the same folder. */
function pathIn(bytes: Buffer): string {
  const steps = bytes.toString().split('/');
  return `/${steps.filter((step) => step !== '' && step !== '.').join('/')}`;
}
