import { writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { askDaemon, askDaemonForBytes, sendToDaemon } from '../../../src/control/control-client.js';
import type { BanEntry, BanReport, DoctorReport } from '../../../src/control/reports.js';
import type { ImportReport } from '../../../src/import/import-run.js';
import { randomInteger } from '../../../src/lib/random.js';
import { eventJson, type NostrEvent } from '../../../src/nostr/event.js';
import { kinds } from '../../../src/nostr/kinds.js';
import { QuickSigner } from '../../support/quick-signing.js';
import type { Promised } from './promised.js';
import type { WriterParts } from './writers.js';

/** A backup that came to its end, and what has to be in it. */
export type FinishedBackup = { readonly file: string; readonly ids: readonly string[] };

/** More than is taken away at once. */
const eventsOfBanned = 300;

/** What an operator does while clients publish: imports, backups, deletions, bans, reloads. */
export class Operator {
  /** The newest that is whole. */
  backup: FinishedBackup | undefined;
  /** Bans that hold: the events of each author, which go by and by, and after a kill with the next start. */
  readonly #banned = new Map<string, readonly string[]>();
  /** Bans that the daemon was asked for and has not confirmed. */
  readonly #askedBans = new Map<string, readonly string[]>();
  readonly #socket: string;
  readonly #folder: string;
  readonly #importer = new QuickSigner(new Uint8Array(32).fill(201));
  #bans = 0;

  constructor(socket: string, folder: string) {
    this.#socket = socket;
    this.#folder = folder;
  }

  /** Until it is stopped, or the daemon is gone. */
  async work(parts: WriterParts, signal: AbortSignal): Promise<void> {
    const works = [
      () => this.#import(this.#importer, 20 + randomInteger(parts.random, 200), parts, signal),
      () => this.#takeBackup(parts.promised, signal),
      () => this.#delete(parts, signal),
      () => this.#ban(parts, signal),
      () => this.#all('/reload', 0, signal),
    ];
    while (!signal.aborted) await works[randomInteger(parts.random, works.length)]!();
  }

  /** Authors of whom nothing is to be there before long. */
  get banned(): readonly string[] {
    return [...this.#banned.keys()];
  }

  /** Ends the doubt about bans, after a start, by what the daemon says. */
  async resolveBans(signal: AbortSignal): Promise<void> {
    if (this.#askedBans.size === 0) return;
    const holding = new Set(
      ((await this.#all('/bans', undefined, signal)) as BanEntry[]).map(({ value }) => value),
    );
    for (const [pubkey, ids] of this.#askedBans) if (holding.has(pubkey)) this.#banned.set(pubkey, ids);
    this.#askedBans.clear();
  }

  /** Nothing of banned authors is there any more. */
  bannedAreGone(promised: Promised): void {
    for (const ids of this.#banned.values()) promised.takenAway(ids);
  }

  /** What the running daemon finds of itself. */
  async faults(signal: AbortSignal): Promise<string[]> {
    const reports = (await this.#all('/doctor', { isToFix: false, accepted: 0 }, signal)) as DoctorReport[];
    return reports.filter(({ isFault }) => isFault).map(({ line }) => line);
  }

  async #import(
    signer: QuickSigner,
    count: number,
    { promised, seconds, repository }: WriterParts,
    signal: AbortSignal,
  ): Promise<readonly NostrEvent[]> {
    const tags = [['a', repository]];
    const events = Array.from({ length: count }, () =>
      signer.sign({ kind: 1621, tags, created_at: seconds.next(), content: 'imported' }),
    );
    for (const event of events) promised.asked(event);
    const lines = Readable.from(events.map((event) => `${eventJson(event)}\n`));
    let last: ImportReport | undefined;
    for await (const report of sendToDaemon(this.#socket, '/import', lines, signal))
      last = report as ImportReport;
    if (last?.end !== undefined && last.counts.stored === events.length)
      for (const event of events) promised.acknowledged(event);
    return events;
  }

  async #takeBackup(promised: Promised, signal: AbortSignal): Promise<void> {
    const before = promised.expectations(Date.now() / 1_000 + 60).present;
    const chunks: Uint8Array[] = [];
    for await (const chunk of askDaemonForBytes(this.#socket, { path: '/backup' }, signal))
      chunks.push(chunk);
    const still = new Set(promised.expectations(Date.now() / 1_000 + 60).present);
    const file = `${this.#folder}/backup.tar`;
    await writeFile(file, Buffer.concat(chunks));
    this.backup = { file, ids: before.filter((id) => still.has(id)) };
  }

  async #delete({ promised, random }: WriterParts, signal: AbortSignal): Promise<void> {
    const { present } = promised.expectations(Date.now() / 1_000);
    // Without a deletion request what it deleted may come back.
    const deletable = present.filter((id) => promised.eventOf(id)?.kind !== kinds.deletion);
    const ids = Array.from(
      { length: 3 },
      () => deletable[randomInteger(random, deletable.length)] ?? '',
    ).filter(Boolean);
    if (ids.length === 0) return;
    promised.takingAway(ids);
    await this.#all('/delete', { filters: [{ ids }], isBan: false, reason: '' }, signal);
    promised.takenAway(ids);
  }

  /** Bans somebody new, of whom more is stored than goes at once. */
  async #ban(parts: WriterParts, signal: AbortSignal): Promise<void> {
    const name = `${this.#bans.toString(16)}`.padStart(64, 'b');
    this.#bans += 1;
    const signer = new QuickSigner(Buffer.from(name, 'hex'));
    const events = await this.#import(signer, eventsOfBanned, parts, signal);
    const ids = events.map(({ id }) => id);
    parts.promised.takingAway(ids);
    this.#askedBans.set(signer.pubkey, ids);
    const body = { targets: [{ type: 'pubkey', value: signer.pubkey }], reason: 'noise' };
    for await (const report of askDaemon(this.#socket, { path: '/ban', body }, signal)) {
      // It holds from the first report on, and for good.
      this.#askedBans.delete(signer.pubkey);
      this.#banned.set(signer.pubkey, ids);
      if ((report as BanReport).isDone) parts.promised.takenAway(ids);
    }
  }

  async #all(path: string, body: unknown, signal: AbortSignal): Promise<unknown[]> {
    const values: unknown[] = [];
    for await (const value of askDaemon(this.#socket, { path, body }, signal)) values.push(value);
    return values;
  }
}
