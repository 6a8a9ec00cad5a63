import type { AcceptedEvent } from '../admission/admission.js';

/** The frames that the relay sends (NIP-01, 45, 77), as text. Texts of our own are short; ids were checked. */
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

/** `payload` is hex. */
export function negMessageFrame(subscription: string, payload: string): string {
  return `["NEG-MSG",${JSON.stringify(subscription)},"${payload}"]`;
}

/** `itemsMax` becomes the fourth element: how many events the relay would reconcile at most. */
export function negErrorFrame(subscription: string, reason: string, itemsMax?: number): string {
  return JSON.stringify(['NEG-ERR', subscription, reason, ...(itemsMax === undefined ? [] : [itemsMax])]);
}

/** What comes before the event in the `EVENT` frames of a subscription. */
export function eventFramePrefix(subscription: string): string {
  return `["EVENT",${JSON.stringify(subscription)},`;
}

/** An `EVENT` frame around JSON that stands already. */
export function eventFrame(prefix: string, eventJson: string): string {
  return `${prefix}${eventJson}]`;
}

const frameEnd = Buffer.from(']');

/** The same of JSON as UTF-8. */
export function eventFrameBytes(prefix: Uint8Array, eventJson: Uint8Array): Buffer {
  return Buffer.concat([prefix, eventJson, frameEnd]);
}

/**
 * The frames of one accepted event for all whom it is sent to. The event is encoded once; subscriptions with the
 * same id, of whatever client, share one frame, and so the memory that it takes in their send queues.
 */
export class EventFrames {
  readonly #accepted: AcceptedEvent;
  readonly #frames = new Map<string, Buffer>();
  #body: Buffer | undefined;

  constructor(accepted: AcceptedEvent) {
    this.#accepted = accepted;
  }

  /** The frame behind a prefix of `eventFramePrefix`. It is shared: nobody may change it. */
  frameFor(prefix: string): Buffer {
    let frame = this.#frames.get(prefix);
    if (frame === undefined) {
      this.#body ??= Buffer.from(`${this.#accepted.json}]`, 'utf8');
      frame = Buffer.concat([Buffer.from(prefix, 'utf8'), this.#body]);
      this.#frames.set(prefix, frame);
    }
    return frame;
  }
}
