import type { AcceptedEvent } from '../../admission/admission.js';
import { limits } from '../../config/limits.js';
import type { Outbox } from './outbox.js';
import { textFrameBytes, writeTextHeader } from './text-frame.js';

/** The messages that the relay sends (NIP-01, 42, 45, 77). Texts of our own are short; ids were checked. */
export function okFrame(eventId: string, accepted: boolean, reason: string): string {
  return JSON.stringify(['OK', eventId, accepted, reason]);
}

export function eoseFrame(subscription: string): string {
  return JSON.stringify(['EOSE', subscription]);
}

export function closedFrame(subscription: string, reason: string): string {
  return JSON.stringify(['CLOSED', subscription, reason]);
}

export function noticeFrame(text: string): string {
  return JSON.stringify(['NOTICE', text]);
}

export function countFrame(subscription: string, count: number): string {
  return JSON.stringify(['COUNT', subscription, { count }]);
}

export function authFrame(challenge: string): string {
  return JSON.stringify(['AUTH', challenge]);
}

/** `payload` is hex. */
export function negMessageFrame(subscription: string, payload: string): string {
  return `["NEG-MSG",${JSON.stringify(subscription)},"${payload}"]`;
}

/** `itemsMax` becomes the fourth element: how many events the relay would reconcile at most. */
export function negErrorFrame(subscription: string, reason: string, itemsMax?: number): string {
  return JSON.stringify(['NEG-ERR', subscription, reason, ...(itemsMax === undefined ? [] : [itemsMax])]);
}

/** What comes before the event in the `EVENT` messages of a subscription. */
export function eventPrefix(subscription: string): Buffer {
  return Buffer.from(`["EVENT",${JSON.stringify(subscription)},`);
}

const eventEnd = 0x5d; // ]

/** Bytes of the WebSocket frame of an `EVENT` message around JSON that stands already, in UTF-8. */
export function eventFrameBytes(prefix: Buffer, eventJson: Uint8Array): number {
  return textFrameBytes(prefix.length + eventJson.length + 1);
}

/** Writes that frame into memory that has room for it. */
export function writeEventFrame(target: Buffer, at: number, prefix: Buffer, eventJson: Uint8Array): void {
  const prefixAt = writeTextHeader(target, at, prefix.length + eventJson.length + 1);
  const jsonAt = prefixAt + prefix.length;
  target.set(prefix, prefixAt);
  target.set(eventJson, jsonAt);
  target[jsonAt + eventJson.length] = eventEnd;
}

/** That frame in memory of its own. */
export function eventFrame(prefix: Buffer, eventJson: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(eventFrameBytes(prefix, eventJson));
  writeEventFrame(frame, 0, prefix, eventJson);
  return frame;
}

/**
 * The frames of one accepted event for all whom it is sent to. The event is encoded once; subscriptions with the
 * same id, of whatever client, share one frame, and so the memory that it takes in their send queues. Only so many bytes of
 * frames are kept for that: where ids differ, each frame is held by the send queue alone that it is for, which counts it.
 */
export class EventFrames {
  readonly #accepted: AcceptedEvent;
  readonly #kept = new Map<string, Buffer>();
  #keptBytes = 0;
  #json: Buffer | undefined;

  constructor(accepted: AcceptedEvent) {
    this.#accepted = accepted;
  }

  /** Sends the event for a subscription whose `eventPrefix` this is. */
  sendTo(outbox: Pick<Outbox, 'sendFrame' | 'sendEvent'>, subscription: string, prefix: Buffer): void {
    const kept = this.#kept.get(subscription);
    if (kept !== undefined) {
      outbox.sendFrame(kept);
      return;
    }
    this.#json ??= Buffer.from(this.#accepted.json, 'utf8');
    const bytes = eventFrameBytes(prefix, this.#json);
    const isKept = this.#keptBytes + bytes <= limits.sharedFrameBytesMax;
    if (!isKept && bytes > limits.sendBlockBytes) {
      // Made only where the client is still there. A shorter one would take a block of the send queue until the turn ends.
      outbox.sendEvent(prefix, this.#json);
      return;
    }
    const frame = eventFrame(prefix, this.#json);
    if (isKept) {
      this.#kept.set(subscription, frame);
      this.#keptBytes += bytes;
    }
    outbox.sendFrame(frame);
  }
}
