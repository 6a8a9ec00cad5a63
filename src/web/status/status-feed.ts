import type { ServerResponse } from 'node:http';
import { exceeds, reaches } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { localAddressGroup } from '../../lib/budgets/address-group.js';
import type { CancelTimer, Clock } from '../../lib/clock.js';
import type { Snapshot, Snapshots } from './snapshots.js';
import type { StatusParts } from './status-parts.js';
import type { FullStatusReport } from './status-report.js';

export type StatusFeedParts = {
  readonly snapshots: Pick<Snapshots, 'current'>;
  /** With which readers may come; those who came with another have to come again. */
  readonly token: () => string | undefined;
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly onFault: (error: unknown) => void;
};

type Response = Pick<ServerResponse, 'writeHead' | 'write' | 'end' | 'destroy' | 'once' | 'writableLength'>;

const headers = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  // nginx would gather what is sent.
  'X-Accel-Buffering': 'no',
};

/**
 * Keeps pages up to date, as server-sent events: `parts` has those parts of the page that are new, `minute` what goes through
 * in the running minute. They are made once for all readers, and only while there is one. Who reads too slowly is let go.
 */
export class StatusFeed {
  readonly #parts: StatusFeedParts;
  /** With the address group of each. */
  readonly #readers = new Map<Response, string>();
  /** That of the readers. */
  #token: string | undefined;
  /** What was sent to all. */
  #sent: StatusParts = new Map();
  #sentMinute = '';
  #sentAtMs = 0;
  #cancel: CancelTimer | undefined;
  #isLooking = false;

  constructor(parts: StatusFeedParts) {
    this.#parts = parts;
    this.#token = parts.token();
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Serves a reader until one of both ends it; false where there is no room for one more. */
  async add(response: Response, addressGroup: string): Promise<boolean> {
    this.#checkToken();
    let isGone = false;
    response.once('close', () => {
      isGone = true;
      this.#leave(response);
    });
    if (!this.#hasRoom(addressGroup)) return false;
    const snapshot = await this.#parts.snapshots.current();
    if (isGone) return true;
    // Others may have come meanwhile. It is a reader from its first bytes on: news before them would be no stream of events.
    if (!this.#hasRoom(addressGroup)) return false;
    this.#readers.set(response, addressGroup);
    response.writeHead(200, headers);
    response.write(`retry: ${limits.statusHeartbeatMs}\n\n`);
    response.write(partsEvent(snapshot.parts));
    this.#schedule();
    return true;
  }

  /** Ends all. */
  close(): void {
    for (const response of this.#readers.keys()) response.end();
    this.#readers.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #hasRoom(addressGroup: string): boolean {
    const ofAddress = this.#of(addressGroup).length;
    if (addressGroup !== localAddressGroup && reaches('statusReadersPerAddressMax', ofAddress)) return false;
    return !reaches('statusReadersMax', this.#readers.size) || this.#makeRoom(ofAddress);
  }

  /** Ends a reader of the address that has most, if that is more than who comes would have: some addresses must not have all. */
  #makeRoom(ofAddress: number): boolean {
    const addresses = [...new Set(this.#readers.values())].map((group) => this.#of(group));
    const [most = []] = addresses.sort((a, b) => b.length - a.length);
    const [first] = most;
    if (first === undefined || most.length <= ofAddress + 1) return false;
    this.#leave(first);
    first.end();
    return true;
  }

  /** The readers of an address, the first first. */
  #of(addressGroup: string): Response[] {
    return [...this.#readers].filter(([, group]) => group === addressGroup).map(([response]) => response);
  }

  #leave(response: Response): void {
    this.#readers.delete(response);
    if (this.#readers.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Has one look follow the other for as long as there are readers: never two at a time, however readers come and go. */
  #schedule(): void {
    if (this.#isLooking) return;
    this.#cancel ??= this.#parts.clock.after(limits.statusIntervalMs, () => {
      this.#cancel = undefined;
      this.#isLooking = true;
      this.#look()
        .catch(this.#parts.onFault)
        .finally(() => {
          this.#isLooking = false;
          if (this.#readers.size > 0) this.#schedule();
        });
    });
  }

  /** An operator who sets another token shows nothing more to those who came before. */
  #checkToken(): void {
    const token = this.#parts.token();
    if (token !== this.#token) this.close();
    this.#token = token;
  }

  async #look(): Promise<void> {
    this.#checkToken();
    const news = this.#newsOf(await this.#parts.snapshots.current());
    const nowMs = this.#parts.clock.monotonic();
    const isDue = nowMs - this.#sentAtMs >= limits.statusHeartbeatMs;
    if (news === '' && !isDue) return;
    this.#sentAtMs = nowMs;
    for (const response of [...this.#readers.keys()]) this.#send(response, news === '' ? ':\n\n' : news);
  }

  #newsOf({ report, parts }: Snapshot): string {
    const changed = new Map([...parts].filter(([id, html]) => this.#sent.get(id) !== html));
    this.#sent = parts;
    const minute = minuteEvent(report);
    const isNewMinute = minute !== this.#sentMinute;
    this.#sentMinute = minute;
    return (changed.size === 0 ? '' : partsEvent(changed)) + (isNewMinute ? minute : '');
  }

  #send(response: Response, text: string): void {
    if (!exceeds('statusReaderBytesMax', response.writableLength)) {
      response.write(text);
      return;
    }
    this.#leave(response);
    response.destroy();
  }
}

function partsEvent(parts: StatusParts): string {
  return `event: parts\ndata: ${JSON.stringify(Object.fromEntries(parts))}\n\n`;
}

function minuteEvent({ throughput: { end, series } }: FullStatusReport): string {
  const values = series.map(({ values: all }) => all.at(-1) ?? 0);
  return `event: minute\ndata: ${JSON.stringify({ end, values })}\n\n`;
}
