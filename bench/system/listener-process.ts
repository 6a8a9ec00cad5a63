/** The process behind `Listeners`: it notes when each event arrives, and reads no more of it than the id. */
import { type RawData, WebSocket } from 'ws';
import type { Filter } from '../../src/nostr/filter.js';
import type { ListenerAnswer, ListenerCommand } from './listeners.js';
import { machineMs } from './statistics.js';

/** Connections that are being made at the same time. */
const connectsMax = 50;
/** Silence after which nothing more is expected. */
const quietMs = 2_000;

const arrivals = new Map<string, number[]>();
let deliveries = 0;
let lastAtMs = machineMs();

function answer(message: ListenerAnswer): void {
  process.send?.(message);
}

function onFrame(data: RawData, onLive: () => void): void {
  const bytes = data as Buffer;
  if (bytes.toString('latin1', 2, 7) !== 'EVENT') {
    onLive();
    return;
  }
  lastAtMs = machineMs();
  deliveries += 1;
  const idAt = bytes.indexOf('"id":"') + 6;
  const id = bytes.toString('latin1', idAt, idAt + 64);
  const times = arrivals.get(id);
  if (times === undefined) arrivals.set(id, [lastAtMs]);
  else times.push(lastAtMs);
}

function listen(url: string, filter: Filter): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
    socket.on('open', () => socket.send(JSON.stringify(['REQ', 'live', { ...filter, limit: 0 }])));
    socket.on('message', (data) => onFrame(data, resolve));
    socket.on('error', reject);
  });
}

async function open(url: string, filters: readonly Filter[]): Promise<void> {
  for (let at = 0; at < filters.length; at += connectsMax)
    await Promise.all(filters.slice(at, at + connectsMax).map((filter) => listen(url, filter)));
  answer({ type: 'opened' });
}

async function report(deliveriesMin: number): Promise<void> {
  const askedAt = machineMs();
  while (deliveries < deliveriesMin && machineMs() - Math.max(lastAtMs, askedAt) < quietMs)
    await new Promise((resolve) => setTimeout(resolve, 20));
  answer({ type: 'report', deliveries, lastAtMs, arrivals: [...arrivals] });
}

process.on('message', (command: ListenerCommand) => {
  if (command.type === 'open') open(command.url, command.filters);
  else report(command.deliveriesMin);
});
process.on('disconnect', () => process.exit());
