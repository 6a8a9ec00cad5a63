import { describe, expect, it } from 'vitest';
import {
  EarlyEndError,
  GitProtocolError,
  RemoteRefusal,
  ShallowRepositoryError,
} from '../../src/git-protocol/errors.js';
import { packOf } from '../../src/git-protocol/fetch-answer.js';
import { delimiterPkt, flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';

const id = 'a'.repeat(40);
const otherBytesMax = 1_000;
const band = (number: number, text: string | Buffer) =>
  pktLine(Buffer.concat([Buffer.of(number), Buffer.from(text)]));
const bytesOf = (pkts: readonly (Buffer | string)[]) =>
  Buffer.concat(pkts.map((pkt) => (typeof pkt === 'string' ? pktLine(pkt) : pkt)));

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function read(version: 0 | 1 | 2, pkts: readonly (Buffer | string)[], pieceSize = 5): Promise<string> {
  const pack: Buffer[] = [];
  for await (const piece of packOf(inPieces(bytesOf(pkts), pieceSize), { version, otherBytesMax }))
    pack.push(piece);
  return Buffer.concat(pack).toString();
}

const pack = [
  band(2, 'Counting objects\r'),
  band(1, 'PA'),
  band(1, ''),
  band(1, 'CK'),
  band(2, ''),
  flushPkt,
];

describe('the pack of an answer', () => {
  it.each([
    ['v2', 2, ['packfile\n', ...pack]],
    [
      'v2 after acknowledgments',
      2,
      ['acknowledgments\n', 'NAK\n', 'ready\n', delimiterPkt, 'packfile\n', ...pack],
    ],
    ['v0', 0, ['NAK\n', ...pack]],
    ['v0 after an acknowledgment', 0, [`ACK ${id}\n`, ...pack]],
    ['v1', 1, ['NAK\n', ...pack]],
  ] as const)('is read in pieces of any size: %s', async (_, version, pkts) => {
    for (const size of [1, 3, 1_000]) expect(await read(version, pkts, size)).toBe('PACK');
  });

  it('ends where it says, whatever follows', async () => {
    expect(await read(2, ['packfile\n', ...pack, Buffer.from('garbage')], 1_000)).toBe('PACK');
  });

  it('comes no faster than it is read', async () => {
    let given = 0;
    async function* answer(): AsyncGenerator<Buffer> {
      yield bytesOf(['packfile\n']);
      for (;;) {
        given += 1;
        yield band(1, 'x');
      }
    }
    const pieces = packOf(answer(), { version: 2, otherBytesMax });
    await pieces.next();
    await pieces.next();
    expect(given).toBe(2);
    await pieces.return();
  });

  it.each([
    ['in place of the answer', 2, [`ERR upload-pack: not our ref ${id}\n`]],
    ['of v0', 0, [`ERR upload-pack: not our ref ${id}`]],
    ['in the words of JGit', 2, [`ERR want ${id} not valid`]],
    ['by side-band', 2, ['packfile\n', band(1, 'PACK'), band(3, `upload-pack: not our ref ${id}`)]],
  ] as const)('does not come where an object is not there: %s', async (_, version, pkts) => {
    const error = await read(version, pkts).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(RemoteRefusal);
    expect((error as RemoteRefusal).objectId).toBe(id);
  });

  it('does not come where the server says that something is wrong', async () => {
    const error = await read(2, ['packfile\n', band(3, 'out\nof \u001bmemory')]).catch(
      (error: unknown) => error,
    );
    expect(error).toEqual(new RemoteRefusal('out of  memory'));
    expect((error as RemoteRefusal).objectId).toBeUndefined();
  });

  it.each([
    ['v2', 2, ['shallow-info\n', `shallow ${id}\n`, delimiterPkt, 'packfile\n', ...pack]],
    ['v0', 0, [`shallow ${id}\n`, flushPkt, 'NAK\n', ...pack]],
  ] as const)('is not taken of a repository that is shallow: %s', async (_, version, pkts) => {
    await expect(read(version, pkts)).rejects.toBeInstanceOf(ShallowRepositoryError);
  });

  it.each([
    ['nothing', 2, []],
    ['no end', 2, ['packfile\n', band(1, 'PACK')]],
    ['half a pkt-line', 0, ['NAK\n', Buffer.from('00ff')]],
  ] as const)('is cut off by %s', async (_, version, pkts) => {
    await expect(read(version, pkts)).rejects.toBeInstanceOf(EarlyEndError);
  });

  it.each([
    ['an end without a pack', 2, [flushPkt]],
    ['acknowledgments alone', 2, ['acknowledgments\n', 'NAK\n', flushPkt]],
    ['a section that was not asked for', 2, ['packfile-uris\n']],
    ['a band that there is not', 2, ['packfile\n', band(4, 'x')]],
    ['a line of nothing', 2, ['packfile\n', '']],
    ['a pack without side-band', 0, ['NAK\n', Buffer.from('PACK\0\0\0\u0002')]],
    ['text', 0, [Buffer.from('<!doctype html>')]],
    ['progress without end', 2, ['packfile\n', ...Array.from({ length: 300 }, () => band(2, 'x'))]],
    ['empty pieces without end', 2, ['packfile\n', ...Array.from({ length: 300 }, () => band(1, ''))]],
    ['pieces of a byte without end', 2, ['packfile\n', ...Array.from({ length: 300 }, () => band(1, 'x'))]],
    ['acknowledgments without end', 0, Array.from({ length: 300 }, () => 'NAK\n')],
  ] as const)('is refused where the answer has %s', async (_, version, pkts) => {
    await expect(read(version, pkts)).rejects.toBeInstanceOf(GitProtocolError);
  });
});
