import { type Random, randomInteger } from '../../../src/lib/random.js';
import { frameTrial } from './frames.js';
import type { Asked, MessageMaker } from './messages.js';
import { headEnd, RawSocket } from './raw-socket.js';
import type { RequestMaker } from './requests.js';
import { RawWebSocket, textBytes } from './web-socket.js';

/** How a trial broke a promise, with what was sent; `undefined` when it did not. */
export type Breakage = string | undefined;

/** What is waited for at most, on a machine with much else to do. */
const answerMsMax = 30_000;
/** What an answer is waited for to something that needs none. */
const graceMs = 50;
/** Statuses of a server that are no fault of it. */
const busyStatus = 503;

/** Sends some messages on one connection, and waits until each has the answer that it has to have. */
export async function messagesTrial(
  port: number,
  maker: MessageMaker,
  count: number,
  random: Random,
): Promise<Breakage> {
  using socket = await RawWebSocket.open(port, answerMsMax);
  const asked = Array.from({ length: count }, () => maker.next());
  write(socket.socket, Buffer.concat(asked.map(({ text }) => textBytes(text))), random);
  const waiting = asked.filter(({ answers }) => answers.length > 0);
  const found = new Set<Asked>();
  let read = 0;
  const isDone = () => {
    for (; read < socket.texts.length; read += 1) {
      const [type, subject] = JSON.parse(socket.texts[read] as string) as [string, unknown];
      for (const one of waiting) if (one.subject === subject && one.answers.includes(type)) found.add(one);
    }
    return found.size === waiting.length;
  };
  if (await socket.until(isDone, answerMsMax)) return undefined;
  const lacking = waiting.find((one) => !found.has(one)) as Asked;
  const notices = socket.texts.filter((text) => text.startsWith('["NOTICE"')).slice(-3);
  const end = socket.socket.ended ? `; the connection ended with ${socket.closeCode}` : '';
  return `no ${lacking.answers.join(' or ')} to ${lacking.text.slice(0, 1_000)}${end}; ${notices.join(' ').slice(0, 500)}`;
}

/** Writes one of many kinds of frames, right or wrong. */
export async function framesTrial(port: number, random: Random): Promise<Breakage> {
  using socket = await RawWebSocket.open(port, answerMsMax);
  const { name, bytes, outcome } = frameTrial(random);
  write(socket.socket, bytes, random);
  if (outcome === 'answered') {
    const isAnswered = () => socket.texts.some((text) => text.startsWith('["EOSE","f"'));
    return (await socket.until(isAnswered, answerMsMax)) ? undefined : `frames ${name} have no answer`;
  }
  await socket.until(() => socket.closeCode !== undefined, answerMsMax);
  const { closeCode } = socket;
  if (closeCode !== undefined && outcome.codes.includes(closeCode)) return undefined;
  return `frames ${name} are closed by ${closeCode}: ${bytes.toString('hex').slice(0, 200)}`;
}

/** Sends one HTTP request, right or wrong. */
export async function requestTrial(port: number, maker: RequestMaker, random: Random): Promise<Breakage> {
  using socket = new RawSocket(port);
  const { bytes, isRight, isSmuggling } = maker.next();
  const told = () => JSON.stringify(bytes.toString('latin1').slice(0, 1_500));
  write(socket, bytes, random);
  if (isRight)
    await socket.until(() => statusesIn(socket.received).some((status) => status >= 200), answerMsMax);
  // Who does not get all of a request waits for it.
  else await socket.until(() => headEnd(socket.received) > 0, graceMs);
  if (isSmuggling) await socket.until(() => socket.ended, answerMsMax);
  const statuses = statusesIn(socket.received).filter((status) => status >= 200);
  const failed = statuses.find((status) => status >= 500 && status !== busyStatus && status !== 501);
  if (failed !== undefined) return `a request is answered with ${failed}: ${told()}`;
  if (isRight && statuses.length === 0) return `a request has no answer: ${told()}`;
  if (isSmuggling && statuses.length > 1) return `a request was hidden in another: ${told()}`;
  return undefined;
}

function statusesIn(received: Buffer): number[] {
  return [...received.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) =>
    Number(status),
  );
}

/** Writes bytes as one piece, or as a few. */
function write(socket: RawSocket, bytes: Buffer, random: Random): void {
  const cut = randomInteger(random, 3) === 0 ? randomInteger(random, bytes.length + 1) : bytes.length;
  socket.write(bytes.subarray(0, cut));
  if (cut < bytes.length) setImmediate(() => socket.write(bytes.subarray(cut)));
}
