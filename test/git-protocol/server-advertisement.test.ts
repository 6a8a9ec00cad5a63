import { describe, expect, it } from 'vitest';
import { GitProtocolError, RemoteRefusal } from '../../src/git-protocol/errors.js';
import { flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';
import { AdvertisementReader } from '../../src/git-protocol/server-advertisement.js';
import { workOf } from '../support/work.js';

const id = (digit: string, length = 40) => digit.repeat(length);
const header = [pktLine('# service=git-upload-pack\n'), flushPkt];
const limits = { refsMax: 100, isWanted: () => true };

function read(pkts: readonly (Buffer | string)[], pieceSize = 7) {
  const bytes = Buffer.concat(pkts.map((pkt) => (typeof pkt === 'string' ? pktLine(pkt) : pkt)));
  const reader = new AdvertisementReader(limits);
  for (let from = 0; from < bytes.length; from += pieceSize) {
    const advertisement = reader.push(bytes.subarray(from, from + pieceSize));
    if (advertisement !== undefined) return advertisement;
  }
  return undefined;
}

describe('an advertisement', () => {
  const refs = [
    `${id('a')} HEAD\0side-band-64k object-format=sha1 symref=HEAD:refs/heads/main agent=git/2.39\n`,
    `${id('a')} refs/heads/main\n`,
    `${id('b')} refs/tags/v1\n`,
    `${id('c')} refs/tags/v1^{}\n`,
  ];

  it.each([
    ['v0', 0, [...header, ...refs, flushPkt]],
    ['v0 without the line about the service', 0, [...refs, flushPkt]],
    ['v1', 1, [...header, 'version 1\n', ...refs, flushPkt]],
  ] as const)('of %s has capabilities and refs, with what tags stand for', (_, version, pkts) => {
    expect(read(pkts)).toMatchObject({
      version,
      objectFormat: 'sha1',
      isShallow: false,
      refs: [
        { name: 'refs/heads/main', objectId: id('a') },
        { name: 'refs/tags/v1', objectId: id('b'), peeledId: id('c') },
      ],
    });
    expect(read(pkts)?.capabilities.get('agent')).toBe('git/2.39');
    expect(read(pkts)?.capabilities.has('side-band-64k')).toBe(true);
  });

  it.each([
    ['as it is', []],
    ['behind the line about the service', header],
  ])('of v2 has capabilities alone, %s', (_, first) => {
    const pkts = [...first, 'version 2\n', 'ls-refs=unborn\n', 'fetch=shallow\n', flushPkt];
    expect(read(pkts)).toEqual({
      version: 2,
      capabilities: new Map([
        ['ls-refs', 'unborn'],
        ['fetch', 'shallow'],
      ]),
      objectFormat: 'sha1',
      refs: [],
      isShallow: false,
    });
  });

  it.each([
    ['older git', [...header, flushPkt]],
    ['newer git', [...header, `${id('0')} capabilities^{}\0agent=git/2.50\n`, flushPkt]],
    ['v1', ['version 1\n', flushPkt]],
  ])('of an empty repository has no refs: %s', (_, pkts) => {
    expect(read(pkts)?.refs).toEqual([]);
  });

  it('tells the object format, and a history that is cut off', () => {
    expect(read([`${id('a', 64)} refs/heads/main\0\n`, flushPkt])?.objectFormat).toBe('sha256');
    expect(read(['version 2', 'object-format=sha256', flushPkt])?.objectFormat).toBe('sha256');
    expect(read([`${id('a')} refs/heads/a\0`, `shallow ${id('a')}`, flushPkt])?.isShallow).toBe(true);
  });

  it('has no names that are none', () => {
    const names = ['refs/heads/../x', '/etc/passwd', 'refs/heads/a b', '-x', 'refs/heads/ok'];
    expect(
      read([...names.map((name) => `${id('a')} ${name}`), flushPkt])?.refs.map(({ name }) => name),
    ).toEqual(['refs/heads/ok']);
  });

  it('is not whole before its end', () => {
    expect(read([...header, ...refs])).toBeUndefined();
  });

  it.each([
    ['text', ['<html></html>', flushPkt]],
    ['no pkt-line', [Buffer.from('<html></html>')]],
    ['a short id', ['abc refs/heads/main', flushPkt]],
    ['ids of two lengths', [`${id('a')} refs/heads/a`, `${id('a', 64)} refs/heads/b`, flushPkt]],
    ['capabilities behind another ref', [`${id('a')} refs/heads/a`, `${id('a')} refs/heads/b\0x`, flushPkt]],
    ['two lines about the service', [header[0] as Buffer, header[0] as Buffer, flushPkt]],
    ['an object format that there is not', ['version 2', 'object-format=md5', flushPkt]],
    ['more refs than are read', Array.from({ length: 101 }, (_, n) => `${id('a')} refs/heads/${n}`)],
    ['more capabilities than are read', ['version 2', ...Array.from({ length: 101 }, (_, n) => `c${n}`)]],
  ])('that is none is refused: %s', (_, pkts) => {
    expect(() => read(pkts)).toThrow(GitProtocolError);
  });

  it('can be a refusal', () => {
    expect(() => read(['ERR not\u001b[2J exported\n'])).toThrow(new RemoteRefusal('not [2J exported'));
  });

  it.each([
    ['refs', `${id('a')} refs/heads/${'a/'.repeat(100)}a`],
    ['names that are none', `${id('a')} ${'/'.repeat(200)}`],
    ['spaces', ' '.repeat(200)],
    ['capabilities', `${id('a')} refs/heads/x\0${'a=b '.repeat(1000)}`],
  ])('is read in time that grows as it does: %s', (_, line) => {
    const work = (lines: number) =>
      workOf(() => {
        try {
          new AdvertisementReader({ ...limits, refsMax: 1_000_000 }).push(
            Buffer.concat([...Array.from({ length: lines }, () => pktLine(line)), flushPkt]),
          );
        } catch (error) {
          if (!(error instanceof GitProtocolError)) throw error;
        }
      });
    expect(work(400)).toBeLessThan(5 * work(100));
  });
});
