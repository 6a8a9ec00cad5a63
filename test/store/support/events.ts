import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Clock } from '../../../src/lib/clock.js';
import { eventHash, type NostrEvent } from '../../../src/nostr/event.js';

export const hex32 = (text: string | number): string =>
  createHash('sha256').update(String(text)).digest('hex');

/** An event with its true id and a made-up signature: the store checks neither. */
export function makeEvent(fields: Partial<NostrEvent> = {}): NostrEvent {
  const event: NostrEvent = {
    id: '',
    pubkey: fields.pubkey ?? hex32('author'),
    created_at: fields.created_at ?? 1_700_000_000,
    kind: fields.kind ?? 1,
    tags: fields.tags ?? [],
    content: fields.content ?? '',
    sig: hex32('sig') + hex32('sig'),
  };
  return { ...event, id: fields.id ?? eventHash(event) };
}

/** A clock that stands until it is moved; its timers run when their time has come. */
export class StandingClock implements Clock {
  #now: number;
  #timers: { at: number; task: () => void }[] = [];

  constructor(nowSeconds: number) {
    this.#now = nowSeconds * 1000;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, task: () => void): () => void {
    const timer = { at: this.#now + delayMs, task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  async sleep(): Promise<void> {}

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { task } of due) task();
  }
}

const realEventsFile = new URL('../../../../shared/data/real-events.jsonl', import.meta.url);

/** The real events, where they are at hand. */
export function realEvents(): NostrEvent[] | undefined {
  if (!existsSync(realEventsFile)) return undefined;
  return readFileSync(realEventsFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as NostrEvent);
}
