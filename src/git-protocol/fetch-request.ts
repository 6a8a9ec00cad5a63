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

/**
 * A request for a pack, of one round: everything that is said about what is here is said at once, and the server is to
 * make of it what it can.
 */
export function fetchRequest({ advertisement, agent }: Asking, { wants, haves }: FetchIds): Buffer {
  const haveLines = [...haves.map((id) => pktLine(`have ${id}\n`)), pktLine('done\n')];
  if (advertisement.version === 2) {
    const args = ['thin-pack\n', 'no-progress\n', 'ofs-delta\n', ...wants.map((id) => `want ${id}\n`)];
    const lines = args.map((line) => pktLine(line));
    return Buffer.concat([...command('fetch', advertisement, agent), ...lines, ...haveLines, flushPkt]);
  }
  const { capabilities } = advertisement;
  const offered = wantedCapabilities.filter((name) => capabilities.has(name));
  const keyed = keyedCapabilities(advertisement, agent);
  const wantLines = wants.map((id, index) =>
    pktLine(index === 0 ? `want ${[id, ...offered, ...keyed].join(' ')}\n` : `want ${id}\n`),
  );
  return Buffer.concat([...wantLines, flushPkt, ...haveLines]);
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
