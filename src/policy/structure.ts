import { InvalidEventError } from '../nostr/event.js';

/** What an event says, or the reason for which it is refused whatever is stored. */
export type Reading<T> = { readonly value: T } | { readonly reason: string };

/** Runs a parser; what is wrong with the event's structure becomes an `invalid:` reason. */
export function reading<T>(parse: () => T): Reading<T> {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof InvalidEventError) return { reason: `invalid: ${error.message}` };
    throw error;
  }
}
