import {
  EarlyEndError,
  GitProtocolError,
  RemoteRefusal,
  ShallowRepositoryError,
} from '../../../../src/git-protocol/errors.js';
import { packOf } from '../../../../src/git-protocol/fetch-answer.js';
import { fetchRequest, refsRequest } from '../../../../src/git-protocol/fetch-request.js';
import { delimiterPkt, flushPkt, PktReader, pktLine } from '../../../../src/git-protocol/pkt-line.js';
import { pushAnswer } from '../../../../src/git-protocol/push-report.js';
import { type ReceiveRequest, ReceiveRequestParser } from '../../../../src/git-protocol/receive-request.js';
import { AdvertisementReader } from '../../../../src/git-protocol/server-advertisement.js';
import { type ServerRef, ServerRefsReader } from '../../../../src/git-protocol/server-refs.js';
import { attempt, attemptAsync, claim, claimSame, type Target } from '../target.js';
import { isGitRefName } from './git-ref-rules.js';
import { commit } from './samples.js';

const zero = '0'.repeat(40);
const words = [
  '0000',
  '0001',
  '0002',
  '0004',
  '0005',
  'fff0',
  'ffff',
  'ERR ',
  'shallow ',
  '\0',
  ' ',
  '\n',
  'version 2',
  'refs/heads/',
  '^{}',
  'PACK',
  '\x01',
  '\x02',
  '\x03',
];
const pkts = (...lines: readonly (string | Buffer)[]) =>
  Buffer.concat(lines.map((line) => (typeof line === 'string' ? pktLine(line) : line)));

/** The pieces of an input: how long they are follows from its bytes, so that the same input is the same run. */
function* piecesOf(input: Buffer): Generator<Buffer> {
  for (let at = 0; at < input.length; ) {
    const length = 1 + ((input[at] as number) % 23);
    yield input.subarray(at, at + length);
    at += length;
  }
}

/** What a reader gives for an input as a whole, and for its pieces, which has to be the same. */
function readBoth<T>(input: Buffer, create: () => { push(piece: Buffer): T | undefined }): T | undefined {
  const read = (pieces: Iterable<Buffer>): T | undefined => {
    const reader = create();
    for (const piece of pieces) {
      const whole = reader.push(piece);
      if (whole !== undefined) return whole;
    }
    return undefined;
  };
  const refusals = [GitProtocolError, RemoteRefusal] as const;
  const whole = attempt(() => read([input]), ...refusals);
  claimSame(
    attempt(() => read(piecesOf(input)), ...refusals),
    whole,
    'what comes in pieces is read otherwise',
  );
  return whole;
}

const lines: Target = {
  name: 'pkt-line',
  form: 'bytes',
  words,
  seeds: () => [
    pkts('a\n', flushPkt, 'b', delimiterPkt, 'cc', flushPkt),
    pkts('x'.repeat(500), '', flushPkt),
  ],
  run(input) {
    const read = (pieces: Iterable<Buffer>): Buffer[] => {
      const reader = new PktReader({ hasDelimiters: true });
      const found: Buffer[] = [];
      for (const piece of pieces) {
        reader.push(piece);
        for (let pkt = reader.next(); pkt !== undefined; pkt = reader.next())
          found.push(pkt.type === 'line' ? pktLine(pkt.payload) : Buffer.from(pkt.type));
      }
      return [...found, reader.rest];
    };
    const whole = attempt(() => read([input]), GitProtocolError);
    claimSame(
      attempt(() => read(piecesOf(input)), GitProtocolError),
      whole,
      'what comes in pieces is read otherwise',
    );
  },
};

const receiveLimits = { linesMax: 50, bytesMax: 20_000 };

/** A request of a push as a client writes it. */
function encoded({ commands, capabilities }: ReceiveRequest): Buffer {
  const written = commands.map(({ old, new: next, ref }, at) =>
    pktLine(`${old} ${next} ${ref}${at === 0 ? `\0${[...capabilities].join(' ')}` : ''}`),
  );
  return Buffer.concat([...written, flushPkt, ...(capabilities.has('push-options') ? [flushPkt] : [])]);
}

const receive: Target = {
  name: 'receive-request',
  form: 'bytes',
  words: [...words, 'push-options', 'report-status', 'push-cert\0', commit, zero],
  seeds: () => [
    pkts(
      `${zero} ${commit} refs/heads/main\0 report-status side-band-64k agent=git/2.39`,
      flushPkt,
      Buffer.from('PACK'),
    ),
    pkts(
      `shallow ${commit}`,
      `${commit} ${zero} refs/heads/a\0report-status-v2 delete-refs`,
      `${zero} ${commit} refs/tags/v1\n`,
      flushPkt,
    ),
    pkts(`${zero} ${commit} refs/nostr/x\0push-options atomic`, flushPkt, 'an option', flushPkt),
  ],
  run(input) {
    const request = readBoth(input, () => {
      const parser = new ReceiveRequestParser(receiveLimits);
      return { push: (piece: Buffer) => plain(parser.push(piece)) };
    });
    if (request === undefined || request.commands.length === 0) return;
    const again = { ...request, capabilities: new Set(request.capabilities) };
    const capabilities = [...again.capabilities].some((name) => /[\0\n]/.test(name));
    if (!capabilities)
      claimSame(
        plain(new ReceiveRequestParser(receiveLimits).push(encoded(again))),
        request,
        'a push is another one',
      );
    claim(
      new Set(request.commands.map(({ ref }) => ref)).size === request.commands.length,
      'a ref comes twice',
    );
    // Each ref is one line of the report.
    const results = request.commands.map(({ ref }) => ({ ref, type: 'ok' as const }));
    const report = pushAnswer(new Set(['report-status']), 'ok', results);
    claim(report.toString('utf8').split('\n').length === results.length + 2, 'a report has a line too many');
  },
};

/** As JSON can show it. */
function plain(request: ReceiveRequest | undefined) {
  return request && { commands: request.commands, capabilities: [...request.capabilities] };
}

function checkRefs(found: readonly ServerRef[]): void {
  for (const { name, objectId, peeledId } of found) {
    claim(isGitRefName(name), `${JSON.stringify(name)} is no ref for git`);
    for (const id of [objectId, peeledId ?? objectId])
      claim(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(id), `'${id.slice(0, 70)}' is no id`);
  }
}

const advertisement: Target = {
  name: 'advertisement',
  form: 'bytes',
  words: [...words, '# service=git-upload-pack\n', 'object-format=', 'agent=', 'capabilities^{}'],
  seeds: () => [
    pkts(
      '# service=git-upload-pack\n',
      flushPkt,
      `${commit} HEAD\0side-band-64k object-format=sha1 agent=git/2`,
      `${commit} refs/heads/main`,
      `${commit} refs/tags/v1`,
      `${zero} refs/tags/v1^{}`,
      flushPkt,
    ),
    pkts('version 2\n', 'ls-refs=unborn', 'fetch=shallow', 'object-format=sha256', 'agent=x', flushPkt),
    pkts('version 1', `${commit} refs/heads/main\0thin-pack ofs-delta`, `shallow ${commit}`, flushPkt),
    pkts('ERR access denied\n'),
  ],
  run(input) {
    const read = readBoth(input, () => {
      const reader = new AdvertisementReader({ refsMax: 50, isWanted: () => true });
      return {
        push(piece: Buffer) {
          const whole = reader.push(piece);
          return whole && { ...whole, capabilities: [...whole.capabilities] };
        },
      };
    });
    if (read === undefined) return;
    checkRefs(read.refs);
    const asking = {
      advertisement: { ...read, capabilities: new Map(read.capabilities) },
      agent: 'graspd/1',
    };
    Array.from(fetchRequest(asking, { wants: [commit], haves: [commit] }));
    refsRequest(asking, ['refs/heads/']);
  },
};

const serverRefs: Target = {
  name: 'server-refs',
  form: 'bytes',
  words: [...words, 'peeled:', 'symref-target:', 'unborn'],
  seeds: () => [
    pkts(
      `${commit} HEAD symref-target:refs/heads/main\n`,
      `${commit} refs/heads/main\n`,
      `${commit} refs/tags/v1 peeled:${zero}\n`,
      flushPkt,
    ),
    pkts('ERR no', flushPkt),
  ],
  run(input) {
    checkRefs(readBoth(input, () => new ServerRefsReader({ refsMax: 50, isWanted: () => true })) ?? []);
  },
};

const fetchAnswer: Target = {
  name: 'fetch-answer',
  form: 'bytes',
  words: [...words, 'NAK', 'ACK ', 'ready', 'packfile\n', 'acknowledgments\n', 'shallow-info\n'],
  seeds: () => [
    pkts(
      'acknowledgments\n',
      'NAK\n',
      'ready',
      delimiterPkt,
      'packfile\n',
      '\x02progress',
      '\x01PACKdata',
      '\x01more',
      flushPkt,
    ),
    pkts('NAK\n', '\x01PACKdata', '\x02x', flushPkt),
    pkts(`ACK ${commit} common`, 'NAK', '\x03fatal: no', flushPkt),
    pkts('packfile\n', 'ERR not our ref', flushPkt),
  ],
  async run(input) {
    for (const version of [1, 2] as const) {
      const read = async (pieces: Iterable<Buffer>) => {
        const pack: Buffer[] = [];
        for await (const piece of packOf(asyncOf(pieces), { version, otherBytesMax: 4_000 }))
          pack.push(piece);
        return Buffer.concat(pack).toString('latin1');
      };
      const refusals = [GitProtocolError, RemoteRefusal, ShallowRepositoryError, EarlyEndError] as const;
      const whole = await attemptAsync(() => read([input]), ...refusals);
      const inPieces = await attemptAsync(() => read(piecesOf(input)), ...refusals);
      // What comes beside the pack is weighed after each piece.
      if (whole !== undefined && inPieces !== undefined)
        claimSame(inPieces, whole, 'a pack in pieces is another one');
      claim((whole?.length ?? 0) <= input.length, 'a pack is longer than what came');
    }
  },
};

async function* asyncOf(pieces: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* pieces;
}

export const gitTargets: readonly Target[] = [lines, receive, advertisement, serverRefs, fetchAnswer];
