import type { SegmentId } from './segment.js';

/** What is missing of the log, as sentences for the operator. */
export class Losses {
  readonly found: string[] = [];
  /** Whether something is missing that has something after it. */
  isInTheMiddle = false;

  /** Takes what others found. */
  add({ found, isInTheMiddle }: Losses): void {
    for (const loss of found) this.found.push(loss);
    this.isInTheMiddle ||= isInTheMiddle;
  }

  /** The writes between two that are there; `eventsMax` is how many events can have been in them, where that is known. */
  between(before: SegmentId, after: SegmentId, eventsMax: number | undefined): void {
    this.isInTheMiddle = true;
    const isCounted = before.life === after.life && after.number > before.number;
    const writes = isCounted ? after.number - before.number : undefined;
    this.found.push(
      `lost in the middle of the log: ${quantity(writes, 'write')}, with ${quantity(eventsMax, 'event')} at most`,
    );
  }

  /** Segments that are there and cannot be read; what they told of events that are stored is lost. */
  unreadable(numbers: readonly number[]): void {
    if (numbers.length > 0) {
      this.found.push(`damaged segments of the log: ${numbers.join(', ')}`);
    }
  }

  /** The end that the log had when it was last closed is not there. */
  afterEnd(end: SegmentId, closedAt: SegmentId): void {
    const writes = closedAt.number > end.number ? closedAt.number - end.number : undefined;
    this.found.push(
      `lost before the last clean stop: ${quantity(writes, 'write')}, as by a power failure or a backup put back`,
    );
  }

  /** What was found damaged elsewhere, in a sentence. */
  note(loss: string): void {
    this.found.push(loss);
  }
}

function quantity(count: number | undefined, what: string): string {
  return count === undefined ? `an unknown number of ${what}s` : `${count} ${what}${count === 1 ? '' : 's'}`;
}
