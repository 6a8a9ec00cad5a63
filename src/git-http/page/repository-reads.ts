import type { Logger } from 'pino';
import { limits } from '../../config/limits.js';
import type { GitStreams } from '../../git/git-streams.js';
import type { ProcessGate } from '../../git/processes/process-gate.js';
import type { Asker } from '../../http/asker.js';
import type { TokenBucket } from '../../lib/budgets/token-bucket.js';
import type { Clock } from '../../lib/clock.js';
import { errorCode, errorMessage } from '../../lib/errors.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { RepositoryDirectory, RepositoryId } from '../../repositories/repository-directory.js';
import { parseRepositoryState } from '../../repositories/repository-state.js';
import type { EventStore } from '../../store/event-store.js';
import { Kept } from '../kept.js';
import { escapeInTurns } from './escape-in-turns.js';
import { type GitContents, readContents } from './git-contents.js';
import { PageError } from './page-error.js';
import type { ListedRef } from './ref-lines.js';

/** What git says of a repository, the text of the README as HTML; how many refs of its state are not what that says. */
export type Read = {
  readonly contents: GitContents;
  readonly lacking: number | undefined;
  readonly stateId: string | undefined;
};
type Failure = { readonly error: PageError; readonly atMs: number };

export type RepositoryReadsParts = {
  readonly directory: Pick<RepositoryDirectory, 'stateOf'>;
  readonly store: Pick<EventStore, 'get'>;
  readonly streams: GitStreams;
  readonly gate: ProcessGate;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** In which the README is escaped, and pages are put together. */
  readonly turns: WorkTurns;
  readonly logger: Pick<Logger, 'debug' | 'warn'>;
  /** How many failures are warned of, for strangers can cause them. */
  readonly warnings: Pick<TokenBucket, 'take'>;
};

/** What git says of repositories for their pages: kept until a ref changes; so is, for a while, that it could not be read. */
export class RepositoryReads {
  readonly #parts: RepositoryReadsParts;
  readonly #kept = new Kept<Read | Failure>({
    bytesMax: limits.pagesKeptBytesMax,
    entriesMax: limits.pagesKeptMax,
    bytesOf: (read) => ('error' in read ? 0 : JSON.stringify(read.contents).length),
  });

  constructor(parts: RepositoryReadsParts) {
    this.#parts = parts;
  }

  /** To be called after each change of a repository's refs or of its HEAD. */
  refsChanged(gitDir: string): void {
    this.#kept.forget(gitDir);
  }

  /**
   * Rejects with `PageError` where git could not say it, with `GitError` (`git_busy`) where too many wait for such, and with the
   * signal's reason.
   */
  async of(repository: RepositoryId, gitDir: string, { signal, party }: Asker): Promise<Read> {
    const make = (making: AbortSignal) => this.#read(repository, gitDir, { signal: making, party });
    let read = await this.#kept.get(gitDir, signal, make);
    if (this.#isOutdated(repository, read)) {
      this.#kept.forget(gitDir);
      read = await this.#kept.get(gitDir, signal, make);
    }
    if ('error' in read) throw read.error;
    return read;
  }

  #isOutdated(repository: RepositoryId, read: Read | Failure): boolean {
    const { clock, directory } = this.#parts;
    if ('error' in read) return clock.monotonic() - read.atMs > limits.pageFailureMsMax;
    // A newer state may have come without a change of refs: because what it needs is missing.
    return read.stateId !== directory.stateOf(repository)?.id;
  }

  /** Holds its place until all that git did for it has ended. */
  async #read(repository: RepositoryId, gitDir: string, { signal, party }: Asker): Promise<Read | Failure> {
    const { directory, streams, gate, turns } = this.#parts;
    const leave = await gate.enter(signal, party);
    try {
      const stateId = directory.stateOf(repository)?.id;
      const read = await readContents({ streams, gitDir, signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        return this.#failureOf(repository, error);
      });
      if ('error' in read) return read;
      const lacking = await this.#lackingOf(stateId, read.refs);
      return { contents: await escaped(read.contents, turns), lacking, stateId };
    } finally {
      leave();
    }
  }

  #failureOf(repository: RepositoryId, error: unknown): Failure {
    const { clock, logger, warnings } = this.#parts;
    const details = { ...repository, code: errorCode(error), error: errorMessage(error) };
    const message = 'the page of a repository could not be made';
    if (warnings.take()) logger.warn(details, message);
    else logger.debug(details, message);
    return { error: new PageError(error), atMs: clock.monotonic() };
  }

  async #lackingOf(stateId: string | undefined, refs: readonly ListedRef[]): Promise<number | undefined> {
    const event = stateId === undefined ? undefined : (await this.#parts.store.get(stateId))?.event;
    if (event === undefined) return undefined;
    const current = new Map(refs.map(({ name, objectId }) => [name, objectId]));
    return [...refsOf(event)].filter(([name, id]) => current.get(name) !== id).length;
  }
}

/** With the text of the README as HTML: of what is shown it alone is long. */
async function escaped(contents: GitContents, turns: WorkTurns): Promise<GitContents> {
  const { readme } = contents;
  if (readme?.text === undefined) return contents;
  return { ...contents, readme: { ...readme, text: await escapeInTurns(readme.text, turns) } };
}

/** The refs of a state; none where it cannot be read. */
function refsOf(event: NostrEvent): ReadonlyMap<string, string> {
  try {
    return parseRepositoryState(event).refs;
  } catch {
    return new Map();
  }
}
