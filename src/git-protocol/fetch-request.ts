import { delimiterPkt, flushPkt, pktLine } from './pkt-line.js';
import type { ServerAdvertisement } from './server-advertisement.js';

/** The objects that a server is asked for, and some that are here already. */
export type FetchIds = { readonly wants: readonly string[]; readonly haves: readonly string[] };

/** What a request is about: the server as it described itself, and how we name ourselves. */
type Asking = {
  readonly advertisement: Pick<ServerAdvertisement, 'version' | 'capabilities' | 'objectFormat'>;
  readonly agent: string;
};

/** Of protocols v0 and v1; without side-band nothing but a pack could come, and no reason why none does. */
const wantedCapabilities = ['ofs-delta', 'side-band-64k', 'no-progress', 'thin-pack'];

/** Lines that are put together at once: about two milliseconds. */
const linesPerPiece = 2_000;

/**
 * A request for a pack, of one round: everything that is said about what is here is said at once, and the server is to
 * make of it what it can. It comes in pieces: to make one for very many objects takes long.
 */
export function* fetchRequest(asking: Asking, ids: FetchIds): Generator<Buffer> {
  let piece: Buffer[] = [];
  for (const line of fetchLines(asking, ids)) {
    piece.push(line);
    if (piece.length < linesPerPiece) continue;
    yield Buffer.concat(piece);
    piece = [];
  }
  yield Buffer.concat(piece);
}

function* fetchLines({ advertisement, agent }: Asking, { wants, haves }: FetchIds): Generator<Buffer> {
  const { version, capabilities } = advertisement;
  if (version === 2) {
    yield* command('fetch', advertisement, agent);
    for (const arg of ['thin-pack', 'no-progress', 'ofs-delta']) yield pktLine(`${arg}\n`);
    for (const id of wants) yield pktLine(`want ${id}\n`);
  } else {
    const offered = wantedCapabilities.filter((name) => capabilities.has(name));
    const terms = [...offered, ...keyedCapabilities(advertisement, agent)];
    for (const [index, id] of wants.entries())
      yield pktLine(index === 0 ? `want ${[id, ...terms].join(' ')}\n` : `want ${id}\n`);
    yield flushPkt;
  }
  for (const id of haves) yield pktLine(`have ${id}\n`);
  yield pktLine('done\n');
  if (version === 2) yield flushPkt;
}

/** A request of protocol v2 for the refs with one of these prefixes. */
export function refsRequest({ advertisement, agent }: Asking, prefixes: readonly string[]): Buffer {
  const lines = ['peel\n', ...prefixes.map((prefix) => `ref-prefix ${prefix}\n`)].map((line) =>
    pktLine(line),
  );
  return Buffer.concat([...command('ls-refs', advertisement, agent), ...lines, flushPkt]);
}

/** The beginning of a request of protocol v2. */
function command(name: string, advertisement: Asking['advertisement'], agent: string): Buffer[] {
  const lines = [`command=${name}`, ...keyedCapabilities(advertisement, agent)];
  return [...lines.map((line) => pktLine(`${line}\n`)), delimiterPkt];
}

/** What may be told only to who said that it knows it. */
function keyedCapabilities({ capabilities, objectFormat }: Asking['advertisement'], agent: string): string[] {
  return [
    ...(capabilities.has('object-format') ? [`object-format=${objectFormat}`] : []),
    ...(capabilities.has('agent') ? [`agent=${agent}`] : []),
  ];
}
