import type { IncomingMessage } from 'node:http';
import { type Readable, Transform, type TransformCallback } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { limits } from '../config/limits.js';
import type { CancelTimer, Clock } from '../lib/clock.js';
import { watchPieces } from '../network/body-pieces.js';
import { BodyError } from './body-error.js';

export type BodyLimits = {
  /** Most bytes, inflated. */
  readonly bytesMax: number;
  /** Of what is expected so many bytes have to come in each such time, in milliseconds, or all the rest. */
  readonly spanMs: number;
  readonly spanBytesMin: number;
  /** Why it has to give way to others who wait, having brought so many bytes in the last such time. */
  readonly giveWay?: (bytes: number) => string | undefined;
};

/**
 * The body of a request, inflated, as a stream that fails with `BodyError` when it is too large, damaged, cut off or no
 * longer comes. Throws that at once where the headers tell. What it does not take stays in the message, whose connection
 * it leaves alone: who asked can still be answered.
 */
export function openBody(message: IncomingMessage, bounds: BodyLimits, clock: Clock): Readable {
  const encoding = (message.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity') return openRawBody(message, bounds, clock);
  if (encoding !== 'gzip' && encoding !== 'x-gzip')
    throw new BodyError(400, 'the body can come as it is, or as gzip');
  const gunzip = createGunzip();
  const body = new Body(bounds, clock, () => gunzip.bytesWritten);
  gunzip.once('error', () => body.destroy(new BodyError(400, 'the body does not inflate')));
  body.once('close', () => gunzip.destroy());
  message.pipe(gunzip).pipe(body);
  return watched(body, message);
}

/** The same as it is sent, inflated or not. */
export function openRawBody(message: IncomingMessage, bounds: BodyLimits, clock: Clock): Readable {
  if (Number(message.headers['content-length'] ?? 0) > bounds.bytesMax) throw tooLarge(bounds);
  const body = new Body(bounds, clock);
  message.pipe(body);
  return watched(body, message);
}

/** Has a body fail as its message does. */
function watched(body: Body, message: IncomingMessage): Body {
  const stop = watchPieces(message, () => {
    body.destroy(new BodyError(400, 'the body comes in too many small pieces'));
  });
  message.once('close', () => {
    if (!message.complete) body.destroy(new BodyError(400, 'the body was cut off'));
  });
  body.once('close', () => {
    stop();
    message.unpipe();
  });
  return body;
}

function tooLarge({ bytesMax }: BodyLimits): BodyError {
  return new BodyError(413, `the body is larger than ${bytesMax} bytes`);
}

/**
 * Counts what comes, and looks whether enough of it comes: who sends a byte a minute would hold a place for hours. Of a
 * compressed one not too much may come of what was sent: a few bytes would keep us busy for long, also where nobody wants them.
 */
class Body extends Transform {
  readonly #bounds: BodyLimits;
  readonly #clock: Clock;
  readonly #sent: () => number;
  #bytes = 0;
  /** What had come when the span began. */
  #bytesBefore = 0;
  #cancel: CancelTimer;

  /** `sent` tells how many bytes of a compressed one were inflated. */
  constructor(bounds: BodyLimits, clock: Clock, sent: () => number = () => this.#bytes) {
    super();
    this.#bounds = bounds;
    this.#clock = clock;
    this.#sent = sent;
    this.#cancel = clock.after(bounds.spanMs, () => this.#look());
    // Its reader learns of errors by reading.
    this.on('error', () => {});
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#bytes += chunk.length;
    const inflatedMax = limits.gitInflatedBytesFree + limits.gitInflatedTimesMax * this.#sent();
    if (this.#bytes > this.#bounds.bytesMax) callback(tooLarge(this.#bounds));
    else if (this.#bytes > inflatedMax) callback(new BodyError(413, 'the body is compressed too much'));
    else callback(null, chunk);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#cancel();
    callback(error);
  }

  #look(): void {
    const { spanMs } = this.#bounds;
    const why = this.#whyEnd(this.#bytes - this.#bytesBefore);
    if (why !== undefined) {
      this.destroy(new BodyError(408, why));
      return;
    }
    this.#bytesBefore = this.#bytes;
    this.#cancel = this.#clock.after(spanMs, () => this.#look());
  }

  #whyEnd(bytes: number): string | undefined {
    // Who does not read what is here cannot complain that nothing more comes.
    if (this.readableLength > 0 || this.writableEnded) return undefined;
    const { spanBytesMin, giveWay } = this.#bounds;
    if (bytes < spanBytesMin) return 'the rest of the body did not come, or too slowly';
    return giveWay?.(bytes);
  }
}

const probe = '0000';

/**
 * Whether the body is a lone flush: clients send that to learn whether they may send more. What was read of another body is
 * put back. Rejects with `BodyError`, also for one that is too short to be anything.
 */
export async function isProbe(body: Readable): Promise<boolean> {
  const head: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    head.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > probe.length) break;
  }
  const start = Buffer.concat(head);
  if (bytes > probe.length) {
    body.unshift(start);
    return false;
  }
  if (start.toString('latin1') === probe) return true;
  throw new BodyError(400, 'the body ended before it said anything');
}
