import { type RepositoryKey, textOf } from '../git/bare-repositories.js';
import type { JournalEntry } from '../store/journal.js';
import type { HeldEvent } from './held-event.js';

/** An announcement whose holding ran out: it is held anew when its author comes back in time. */
export type LapsedAnnouncement = Pick<HeldEvent, 'event' | 'addressGroup'> & {
  /** In milliseconds since 1970. */
  readonly deadlineMs: number;
};

/**
 * A held event as it is remembered: what it hangs on is found anew after a start, so that nothing is written where only that
 * changes, which strangers can have happen to many large events with one small one.
 */
type HeldRecord = Omit<HeldEvent, 'parents'>;

/** A `refs/nostr/<event id>` that was pushed before its event. */
export type AwaitedPullRequest = {
  readonly repository: RepositoryKey;
  readonly eventId: string;
  readonly addressGroup: string | undefined;
  /** In milliseconds since 1970. */
  readonly deadlineMs: number;
};

/** What the journal remembers, by the beginning of its name. */
type Values = {
  readonly held: HeldRecord;
  readonly lapsed: LapsedAnnouncement;
  readonly awaited: AwaitedPullRequest;
};
type RecordType = keyof Values;
export type PurgatoryRecord = {
  [Type in RecordType]: { readonly type: Type; readonly value: Values[Type] };
}[RecordType];

const types: readonly string[] = ['held', 'lapsed', 'awaited'] satisfies RecordType[];

/** A record as the journal takes it. */
export function journalEntryOf({ type, value }: PurgatoryRecord): JournalEntry {
  return {
    name: journalNameOf({ type, value } as PurgatoryRecord),
    value: Buffer.from(JSON.stringify(value)),
  };
}

export function journalNameOf({ type, value }: PurgatoryRecord): string {
  return type === 'awaited' ? awaitedNameOf(value) : `${type}:${value.event.id}`;
}

/** The name of what is remembered of a ref that was pushed before its event. */
export function awaitedNameOf({
  repository,
  eventId,
}: Pick<AwaitedPullRequest, 'repository' | 'eventId'>): string {
  return `awaited:${eventId}:${textOf(repository)}`;
}

/** What a journal entry remembers; `undefined` where it is of somebody else. The journal gives what was put, or nothing. */
export function recordIn({ name, value }: JournalEntry): PurgatoryRecord | undefined {
  const type = name.slice(0, name.indexOf(':'));
  if (!types.includes(type)) return undefined;
  return { type, value: JSON.parse(Buffer.from(value).toString('utf8')) } as PurgatoryRecord;
}
