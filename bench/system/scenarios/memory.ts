import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { BenchClient } from '../client.js';
import { publishAll } from '../publishing.js';
import type { RelayProcess } from '../relay-process.js';
import type { Figure, Scenario } from '../scenario.js';
import { accountOf, readOwnUsage, type World } from '../world.js';

/** Clients that ask for values which nobody asked for before, and how many of them in how many requests. */
const askingClients = 60;
const requestsEach = 4;
const valuesPerRequest = 15_000;
/** Clients that subscribe to everything and read nothing. */
const silentClients = 150;
const silentEvents = 8_000;
const eventsInFlight = 1_000;
/** Clients that begin a message of almost the largest size, and do not end it. */
const unfinishedClients = 400;
const unfinishedBytes = 1_000_000;
/** How often memory is looked at, and how long an idle relay has to collect its garbage. */
const lookMs = 250;
const restMs = 20_000;
const bytesPerMegabyte = 1_000_000;

/** What strangers can make a relay hold: its memory while they try, and when they have gone. */
export const memoryScenario: Scenario = {
  name: 'memory',
  about: 'resident memory at the limits of what clients may make a relay hold',
  byUrl: false,
  async run(world) {
    const { relay } = await world.filledTarget();
    if (relay === undefined) throw new TypeError('a relay of our own is measured');
    const account = accountOf([() => relay.usage(), readOwnUsage]);
    const figures: Figure[] = [megabytes('resident before', residentBytes(relay))];
    const heapBefore = await heapBytes(relay);
    await load(relay, figures, 'filters', askForMuch);
    await load(relay, figures, 'silent subscribers', async (url) => await subscribeSilently(world, url));
    await load(relay, figures, 'unfinished messages', beginMessages);
    figures.push(megabytes('heap before', heapBefore), megabytes('heap after', await heapBytes(relay)));
    const usage = account();
    await relay[Symbol.asyncDispose]();
    return { figures, usage };
  },
};

/** Lets clients do what they do, and says how much memory that took at most, and what is left when they have gone. */
async function load(
  relay: RelayProcess,
  figures: Figure[],
  name: string,
  work: (url: string) => Promise<readonly WebSocket[]>,
): Promise<void> {
  let resident = 0;
  let counted = 0;
  const look = async () => {
    resident = Math.max(resident, residentBytes(relay));
    counted = Math.max(counted, (await relay.metrics())('ngit_relay_client_memory_bytes'));
  };
  const looks = setInterval(() => void look().catch(() => {}), lookMs);
  try {
    const sockets = await work(relay.url);
    await relay.atRest();
    await look();
    for (const socket of sockets) socket.terminate();
  } finally {
    clearInterval(looks);
  }
  await new Promise((resolve) => setTimeout(resolve, restMs));
  figures.push(
    megabytes(`${name}: counted at most`, counted),
    megabytes(`${name}: resident at most`, resident),
    megabytes(`${name}: resident afterwards`, residentBytes(relay)),
  );
}

async function askForMuch(url: string): Promise<readonly WebSocket[]> {
  const sockets: WebSocket[] = [];
  for (let number = 0; number < askingClients; number += 1) {
    const socket = await open(url);
    sockets.push(socket);
    for (let request = 0; request < requestsEach; request += 1) {
      if (socket.readyState !== WebSocket.OPEN) break;
      const filters = Array.from({ length: 5 }, () => ({ '#e': invented(valuesPerRequest / 5), limit: 0 }));
      const answered = Promise.race([once(socket, 'message'), once(socket, 'close')]);
      socket.send(JSON.stringify(['REQ', `${request}`, ...filters]));
      await answered;
    }
  }
  return sockets;
}

async function subscribeSilently(world: World, url: string): Promise<readonly WebSocket[]> {
  const events = await world.file.tail(silentEvents);
  const sockets = await Promise.all(Array.from({ length: silentClients }, () => open(url)));
  for (const socket of sockets) {
    const live = once(socket, 'message');
    socket.send(JSON.stringify(['REQ', 'all', { limit: 0 }]));
    await live;
    socket.pause();
  }
  await using client = await BenchClient.connect(url);
  await publishAll(client, events, eventsInFlight);
  return sockets;
}

async function beginMessages(url: string): Promise<readonly WebSocket[]> {
  const sockets = await Promise.all(Array.from({ length: unfinishedClients }, () => open(url)));
  const text = ' '.repeat(unfinishedBytes);
  for (const socket of sockets) {
    await new Promise<void>((resolve) => socket.send(text, { fin: false }, () => resolve()));
  }
  return sockets;
}

async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on('error', () => {});
  await once(socket, 'open');
  return socket;
}

function invented(count: number): string[] {
  return Array.from({ length: count }, () => randomBytes(32).toString('hex'));
}

function residentBytes(relay: RelayProcess): number {
  return relay.usage()?.residentBytes ?? 0;
}

async function heapBytes(relay: RelayProcess): Promise<number> {
  return (await relay.metrics())('nodejs_heap_size_used_bytes');
}

function megabytes(name: string, bytes: number): Figure {
  return { name, value: bytes / bytesPerMegabyte, unit: 'MB' };
}
