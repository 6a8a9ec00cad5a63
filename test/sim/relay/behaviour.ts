import type { NostrEvent } from '../../../src/nostr/event.js';
import type { RelayInformation } from '../../../src/sync/dial/transport.js';
import type { WireFilter } from './event-set.js';
import type { RelaySession } from './remote-relay.js';

/** What we send to a relay, as it stands on the wire. */
export type ClientMessage =
  | ['REQ', id: string, ...filters: WireFilter[]]
  | ['CLOSE', id: string]
  | ['NEG-OPEN', id: string, filter: WireFilter, payload: string]
  | ['NEG-MSG', id: string, payload: string]
  | ['NEG-CLOSE', id: string]
  | ['AUTH', event: NostrEvent]
  | ['EVENT', event: NostrEvent];

/** What a relay sends: any array that begins with a word, for relays send all sorts of things. */
export type RelayMessage = readonly [type: string, ...rest: unknown[]];

/**
 * One trait of a relay as it is met in the field. A relay has any number of them, tried in their order; every hook
 * is optional. A behaviour is made anew for each relay, so it may keep state.
 */
export type Behaviour = {
  readonly name: string;
  /** Whether a relay with this trait can still be expected to give us all that it serves. */
  readonly honest: boolean;
  /** Whether only those with a key of their own are let in. */
  readonly needsKey?: true;
  /** What it adds to the NIP-11 document; a relay none of whose behaviours adds anything has no document. */
  readonly information?: Partial<RelayInformation>;
  readonly ignoresPings?: true;
  /** A connection was opened. */
  connected?(session: RelaySession): void;
  /** Takes a message before the core; true when nobody else is to see it. */
  received?(session: RelaySession, message: ClientMessage, text: string): boolean;
  /** What goes out instead of a message. */
  sending?(session: RelaySession, message: RelayMessage): readonly RelayMessage[];
  /** Changes what one filter finds: newest first, the filter's own limit applied. */
  results?(events: NostrEvent[], filter: WireFilter): NostrEvent[];
  /** Changes what a NEG-OPEN finds. */
  reconciles?(events: NostrEvent[], filter: WireFilter): NostrEvent[];
  /** Changes what one REQ finds. */
  answer?(events: NostrEvent[]): NostrEvent[];
  /** Whether an event that it holds, and lists in negentropy, is never served. */
  withholds?(event: NostrEvent): boolean;
  /** Whether an event reaches us in a form that must be refused. */
  spoils?(event: NostrEvent): boolean;
  /** Another implementation of negentropy's answering side. */
  responder?(events: readonly NostrEvent[]): { answer(message: string): string };
};
