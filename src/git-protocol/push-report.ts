import { oneLine } from './one-line.js';
import { flushPkt, pktLine, pktPayloadBytesMax } from './pkt-line.js';

/** What became of one command; `reason` says to the person who pushes why not. */
export type CommandResult =
  | { readonly ref: string; readonly type: 'ok' }
  | { readonly ref: string; readonly type: 'refused'; readonly reason: string };

/** The bands of a multiplexed answer (gitprotocol-pack). */
const dataBand = Buffer.of(1);
const progressBand = Buffer.of(2);

/** An answer that only keeps the line alive: progress of no text. */
export const keepAlivePkt = pktLine(progressBand);

/**
 * The answer to a push whose commands were judged, in the form that the client asked for: a report, multiplexed or
 * plain; without `report-status` nothing but an error line, where something was refused.
 */
export function pushAnswer(
  capabilities: ReadonlySet<string>,
  unpack: string,
  results: readonly CommandResult[],
): Buffer {
  const isMultiplexed = capabilities.has('side-band-64k');
  if (!capabilities.has('report-status') && !capabilities.has('report-status-v2')) {
    const reason = firstRefusal(unpack, results);
    if (reason !== undefined) return errorAnswer(reason);
    return isMultiplexed ? flushPkt : Buffer.alloc(0);
  }
  const report = Buffer.concat([
    pktLine(`unpack ${oneLine(unpack)}\n`),
    ...results.map(resultLine),
    flushPkt,
  ]);
  return isMultiplexed ? Buffer.concat([...onBand(dataBand, report), flushPkt]) : report;
}

/** The answer to what is no push that could be reported on. */
export function errorAnswer(reason: string): Buffer {
  return pktLine(`ERR ${oneLine(reason)}`);
}

function resultLine(result: CommandResult): Buffer {
  const text = result.type === 'ok' ? `ok ${result.ref}\n` : `ng ${result.ref} ${oneLine(result.reason)}\n`;
  return pktLine(text);
}

function firstRefusal(unpack: string, results: readonly CommandResult[]): string | undefined {
  for (const result of results)
    if (result.type === 'refused') return `authorisation failed: ${result.reason}`;
  return unpack === 'ok' ? undefined : unpack;
}

function* onBand(band: Buffer, bytes: Buffer): Generator<Buffer> {
  const most = pktPayloadBytesMax - band.length;
  for (let from = 0; from < bytes.length; from += most) {
    yield pktLine(Buffer.concat([band, bytes.subarray(from, from + most)]));
  }
}
