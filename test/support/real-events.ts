import { existsSync, readFileSync } from 'node:fs';
import type { NostrEvent } from '../../src/nostr/event.js';

/** Real signed events that lie beside the project on some machines; read in place, never copied. */
const file = new URL('../../../shared/data/real-events.jsonl', import.meta.url);

/** Whether the real events are there. Tests that need them say so by being skipped where they are not. */
export const hasRealEvents = existsSync(file);

export function realEvents(): NostrEvent[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as NostrEvent);
}
