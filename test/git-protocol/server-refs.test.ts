import { describe, expect, it } from 'vitest';
import { GitProtocolError, RemoteRefusal } from '../../src/git-protocol/errors.js';
import { flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';
import { ServerRefsReader } from '../../src/git-protocol/server-refs.js';

const id = (digit: string) => digit.repeat(40);

function read(lines: readonly string[], end = flushPkt) {
  const bytes = Buffer.concat([...lines.map((line) => pktLine(line)), end]);
  const reader = new ServerRefsReader({ refsMax: 3, isWanted: () => true });
  for (const byte of bytes) {
    const refs = reader.push(Buffer.of(byte));
    if (refs !== undefined) return refs;
  }
  return undefined;
}

describe('a list of refs', () => {
  it('has names, ids, and what tags stand for', () => {
    const lines = [
      `${id('a')} HEAD symref-target:refs/heads/main\n`,
      'unborn HEAD symref-target:refs/heads/main\n',
      `${id('a')} refs/heads/main\n`,
      `${id('b')} refs/tags/v1 peeled:${id('c')}\n`,
    ];
    expect(read(lines)).toEqual([
      { name: 'refs/heads/main', objectId: id('a') },
      { name: 'refs/tags/v1', objectId: id('b'), peeledId: id('c') },
    ]);
    expect(read(lines, Buffer.alloc(0))).toBeUndefined();
    expect(read([])).toEqual([]);
  });

  it('is bounded, and refused where it is none', () => {
    const four = Array.from({ length: 4 }, (_, n) => `${id('a')} refs/heads/${n}`);
    expect(() => read(four)).toThrow(GitProtocolError);
    expect(() => read(['abc refs/heads/main'])).toThrow(GitProtocolError);
    expect(() => read([`${id('a')} refs/tags/v1 peeled:${id('A')}`])).toThrow(GitProtocolError);
    expect(() => read(['ERR no'])).toThrow(new RemoteRefusal('no'));
  });
});
