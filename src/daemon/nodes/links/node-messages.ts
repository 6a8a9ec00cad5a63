import { z } from 'zod';
import type { AdmissionOutcome } from '../../../admission/admission.js';
import { GraspError } from '../../../lib/errors.js';
import { type NostrEvent, parseEvent } from '../../../nostr/event.js';

/*
 * What a graspd that follows and the one that writes say to each other: JSON arrays, one in each text frame of a WebSocket.
 * Nobody else has the secret to open one, but the other end may be of another version.
 */

/**
 * An event that a client of that address group published at one that follows. The number comes back with what became
 * of it. `Event`: as it came, which is not checked.
 */
export type Submission<Event = unknown> = {
  readonly number: number;
  readonly addressGroup: string;
  readonly event: Event;
};

/** From one that follows. */
export type FollowerMessage =
  | ({ readonly type: 'event' } & Submission)
  /** All up to this sequence is served there. */
  | { readonly type: 'served'; readonly sequence: number };

/** From the one that writes. */
export type WriterMessage =
  | { readonly type: 'outcome'; readonly number: number; readonly outcome: AdmissionOutcome }
  /** All up to this sequence is in the database. */
  | { readonly type: 'written'; readonly sequence: number }
  /** An event that is passed on and not stored. */
  | { readonly type: 'ephemeral'; readonly event: NostrEvent }
  /** The networks that the operator blocked, all of them. */
  | { readonly type: 'blocked'; readonly networks: readonly string[] };

/** The other end said what cannot be read. */
export class NodeMessageError extends GraspError {
  constructor(cause: unknown) {
    super('node_message', 'another graspd said what cannot be read; is it of another version?', { cause });
  }
}

const reason = z.string();
const outcome: z.ZodType<AdmissionOutcome> = z.union([
  z.object({ type: z.enum(['stored', 'ephemeral']) }),
  z.object({ type: z.enum(['held', 'known', 'superseded', 'refused', 'failed']), reason }),
]);
const number = z.int().min(0);

const followerMessage = z.union([
  z.tuple([z.literal('EVENT'), number, z.string(), z.unknown()]),
  z.tuple([z.literal('SERVED'), number]),
]);
const writerMessage = z.union([
  z.tuple([z.literal('OUTCOME'), number, outcome]),
  z.tuple([z.literal('WRITTEN'), number]),
  z.tuple([z.literal('EPHEMERAL'), z.unknown()]),
  z.tuple([z.literal('BLOCKED'), z.array(z.string())]),
]);

export function submissionFrame({ number, addressGroup, event }: Submission<NostrEvent>): string {
  return JSON.stringify(['EVENT', number, addressGroup, event]);
}

export function servedFrame(sequence: number): string {
  return JSON.stringify(['SERVED', sequence]);
}

/** Throws `NodeMessageError`. */
export function readFollowerMessage(text: string): FollowerMessage {
  return reading(() => {
    const message = followerMessage.parse(JSON.parse(text));
    switch (message[0]) {
      case 'EVENT':
        return { type: 'event', number: message[1], addressGroup: message[2], event: message[3] };
      case 'SERVED':
        return { type: 'served', sequence: message[1] };
    }
  });
}

export function writerFrame(message: WriterMessage): string {
  switch (message.type) {
    case 'outcome':
      return JSON.stringify(['OUTCOME', message.number, message.outcome]);
    case 'written':
      return JSON.stringify(['WRITTEN', message.sequence]);
    case 'ephemeral':
      return JSON.stringify(['EPHEMERAL', message.event]);
    case 'blocked':
      return JSON.stringify(['BLOCKED', message.networks]);
  }
}

/** Throws `NodeMessageError`. */
export function readWriterMessage(text: string): WriterMessage {
  return reading(() => {
    const message = writerMessage.parse(JSON.parse(text));
    switch (message[0]) {
      case 'OUTCOME':
        return { type: 'outcome', number: message[1], outcome: message[2] };
      case 'WRITTEN':
        return { type: 'written', sequence: message[1] };
      case 'EPHEMERAL':
        return { type: 'ephemeral', event: parseEvent(message[1]) };
      case 'BLOCKED':
        return { type: 'blocked', networks: message[1] };
    }
  });
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new NodeMessageError(error);
  }
}
