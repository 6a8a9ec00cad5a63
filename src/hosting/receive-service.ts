import type { Readable, Writable } from 'node:stream';
import { limits } from '../config/limits.js';
import type { BareRepositories, RepositoryKey } from '../git/bare-repositories.js';
import { countedFor, endedBy, type Git } from '../git/git-command.js';
import type { GitStreams } from '../git/git-streams.js';
import { removeBlockers } from '../git/locks/blockers.js';
import type { RepositoryLocks } from '../git/locks/repository-locks.js';
import { Quarantine } from '../git/objects/quarantine.js';
import { isPullRequestRef } from '../git/ref-name.js';
import { type RefChange, stages } from '../git/ref-plan.js';
import { moveRefs } from '../git/refs.js';
import { GitProtocolError } from '../git-protocol/errors.js';
import type { CommandResult } from '../git-protocol/push-report.js';
import { type ReceiveRequest, ReceiveRequestParser } from '../git-protocol/receive-request.js';
import { partyOf } from '../lib/budgets/address-group.js';
import type { Clock } from '../lib/clock.js';
import { errorMessage } from '../lib/errors.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import type { EventStore } from '../store/event-store.js';
import type { HostingLog } from './hosting-log.js';
import { drain, takePack } from './incoming-pack.js';
import { PushAnswer } from './push-answer.js';
import { reasonForPusher } from './push-failure.js';
import { readHead, withFirst } from './push-head.js';
import type { PushMetrics } from './push-metrics.js';
import type { PushLook, PushPlace, PushRules } from './push-rules.js';
import { allOrNothing, type CommandVerdict, eventIdOf, refused } from './push-verdict.js';
import {
  checkObjects,
  checkProposals,
  type Incoming,
  isSetting,
  lookThrough,
  moveIn,
  type Setting,
} from './pushed-objects.js';

/** A push: the body of `git-receive-pack`, not compressed any more, and whose it is. */
export type PushRequest<Repository extends RepositoryKey> = {
  readonly repository: Repository;
  readonly gitDir: string;
  readonly body: Readable;
  readonly addressGroup: string;
  /** Aborts when the client has gone, or when the push is to end for a reason that its client is told (`request_body`). */
  readonly signal: AbortSignal;
};

export type ReceiveParts<Repository extends RepositoryKey> = {
  readonly rules: PushRules<Repository>;
  readonly git: Git;
  readonly streams: GitStreams;
  readonly repositories: BareRepositories;
  readonly store: Pick<EventStore, 'get'>;
  readonly purgatory: Purgatory;
  readonly locks: RepositoryLocks;
  readonly refsChanged: (gitDir: string) => void;
  readonly clock: Clock;
  readonly metrics: PushMetrics;
  readonly log: HostingLog;
  /** Most bytes of the body of a push that are read to its end, so that it can be answered. */
  readonly drainBytesMax: () => number;
  /** Told of the packs that came into a repository. */
  readonly onPack: (repository: Repository, bytes: number) => void;
  /** Counts a push from an address, or says why it may not push now. */
  readonly takePush: (addressGroup: string) => string | undefined;
};

/** What a push came to: the line about its pack, what became of each command, and bytes of the pack. */
type Outcome = {
  readonly unpack: string;
  readonly results: readonly CommandResult[];
  readonly bytes: number;
};

const headLimits = { linesMax: limits.pushCommandsMax, bytesMax: limits.pushHeadBytesMax };

/**
 * Takes pushes (git.md §2). The commands are judged before anything of the pack is taken, and once more, alone on the
 * repository, when all of it is here and was checked: a slow pusher keeps nobody waiting. Git never sees a command.
 */
export class ReceiveService<Repository extends RepositoryKey> {
  readonly #parts: ReceiveParts<Repository>;

  constructor(parts: ReceiveParts<Repository>) {
    this.#parts = parts;
  }

  /** Takes a push and writes the whole answer. Rejects when client or git are gone before there is one. */
  async receive(request: PushRequest<Repository>, answer: Writable): Promise<void> {
    const { clock, log, rules, drainBytesMax } = this.#parts;
    const body: AsyncIterator<Buffer> = request.body[Symbol.asyncIterator]();
    const parser = new ReceiveRequestParser(headLimits);
    let head: ReceiveRequest | undefined;
    try {
      head = await readHead(parser, body);
    } catch (error) {
      if (!(error instanceof GitProtocolError)) throw error;
      await drain(body, drainBytesMax());
      using failing = new PushAnswer(answer, new Set(), request.body, clock);
      failing.fail(rules.worded(error.message));
      return;
    }
    if (head.commands.length === 0) {
      answer.end();
      return;
    }
    const { commands } = head;
    using report = new PushAnswer(answer, head.capabilities, request.body, clock);
    const pieces = withFirst(parser.rest, body);
    const outcome = await this.#take(request, head, pieces).catch(async (failure: unknown) => {
      const { signal } = request;
      // What fails where it is to end fails for that.
      const error: unknown = signal.aborted ? signal.reason : failure;
      const told = reasonForPusher(error);
      if (signal.aborted && told === undefined) throw failure;
      // What was left behind by a git that was killed would make each other try fail too.
      await removeBlockers(request.gitDir, clock.now()).catch(() => 0);
      log.warn({ ...request.repository, error: errorMessage(error) }, 'a push failed');
      const reason = told ?? 'the push failed on this server; try again';
      return { unpack: reason, results: commands.map(({ ref }) => no(ref, reason)), bytes: 0 };
    });
    report.report(
      rules.worded(outcome.unpack),
      outcome.results.map((result) => this.#worded(result)),
    );
    this.#tell(request, outcome);
  }

  async #take(
    request: PushRequest<Repository>,
    head: ReceiveRequest,
    body: AsyncIterator<Buffer>,
  ): Promise<Outcome> {
    const { repositories, git, locks, rules, takePush, drainBytesMax } = this.#parts;
    const { repository, addressGroup } = request;
    const refusal = (await rules.refusal(repository)) ?? takePush(addressGroup);
    if (refusal !== undefined) {
      const bytes = await drain(body, drainBytesMax());
      return { unpack: 'ok', results: head.commands.map(({ ref }) => no(ref, refusal)), bytes };
    }
    await using place = await rules.begin(repository);
    const look = await rules.look(repository, head.commands, addressGroup);
    const verdicts = this.#judge(head, look);
    const setting = verdicts.filter(isSetting);
    if (!setting.some(({ to }) => to !== undefined)) {
      const bytes = await drain(body, drainBytesMax());
      return { unpack: 'ok', results: await this.#finish(request, place, head, look, undefined), bytes };
    }
    const terms = rules.packTerms(repository, setting, look.context);
    // Given back after the quarantine is gone.
    using room = terms.room;
    const folder = await repositories.makeWorkFolder('incoming-');
    await using quarantine = new Quarantine(place.gitDir, folder);
    const pack = await takePack(this.#parts, quarantine, body, terms.limits, room, request.signal);
    const bytes = pack.bytes + (await drain(body, terms.limits.bytesMax - pack.bytes));
    if (pack.type === 'refused') {
      const results = head.commands.map(({ ref }) => no(ref, pack.reason));
      return { unpack: pack.reason, results, bytes };
    }
    using removals = locks.watchRemovals(repository);
    const looking = countedFor(endedBy(git, request.signal), partyOf(addressGroup));
    const incoming = await lookThrough(looking, quarantine, verdicts, pack, removals);
    if (terms.arePathsBounded) {
      const parts = { git: looking, streams: this.#parts.streams };
      await checkProposals(parts, incoming, setting, request.signal);
    }
    return { unpack: 'ok', results: await this.#finish(request, place, head, look, incoming), bytes };
  }

  #judge({ commands, capabilities }: ReceiveRequest, { context }: PushLook): CommandVerdict[] {
    return this.#parts.rules.judge(commands, context, capabilities.has('atomic'));
  }

  #worded(result: CommandResult): CommandResult {
    return result.type === 'ok' ? result : no(result.ref, this.#parts.rules.worded(result.reason));
  }

  /** The last look and all that follows it, alone on the repository. */
  async #finish(
    { repository, addressGroup, signal }: PushRequest<Repository>,
    { gitDir }: PushPlace,
    head: ReceiveRequest,
    earlier: PushLook,
    incoming: Incoming | undefined,
  ): Promise<CommandResult[]> {
    const { locks, metrics, git, rules } = this.#parts;
    return await locks.use(repository, signal, async () => {
      const refusal = await rules.refusal(repository);
      if (refusal !== undefined) return head.commands.map(({ ref }) => no(ref, refusal));
      const isAtomic = head.capabilities.has('atomic');
      const look = await rules.look(repository, head.commands, addressGroup, earlier);
      const checked = await checkObjects(git, gitDir, this.#judge(head, look), incoming);
      const right = isAtomic ? allOrNothing(checked) : checked;
      const announced = await this.#awaitEvents(repository, addressGroup, right, look);
      const verdicts = isAtomic ? allOrNothing(announced) : announced;
      const setting = verdicts.filter(isSetting);
      if (setting.length > 0) await this.#set(repository, setting, incoming);
      for (const { type } of verdicts) metrics.countCommand(type);
      return verdicts.map(resultOf);
    });
  }

  /**
   * Notes which refs of pull requests wait for their events, also for those that came or went since the look: they were not
   * judged by these. Refuses those for which there is no room any more.
   */
  async #awaitEvents(
    repository: Repository,
    addressGroup: string,
    verdicts: readonly CommandVerdict[],
    { context: { events } }: PushLook,
  ): Promise<CommandVerdict[]> {
    const noted: CommandVerdict[] = [];
    for (const verdict of verdicts) {
      const { command } = verdict;
      const id = eventIdOf(command.ref);
      const isOfEvent = verdict.type === 'set' && isPullRequestRef(command.ref);
      if (!isOfEvent || (events.has(id) && (await this.#isKnown(id)))) {
        noted.push(verdict);
        continue;
      }
      const awaiting = this.#parts.purgatory.awaited.add(repository, id, addressGroup);
      if ('written' in awaiting) await awaiting.written;
      noted.push('written' in awaiting ? verdict : refused(command, awaiting.refusal));
    }
    return noted;
  }

  /** Moves in what is needed, sets the refs in one transaction, and lets follow what waited for that. */
  async #set(
    repository: Repository,
    setting: readonly Setting[],
    incoming: Incoming | undefined,
  ): Promise<void> {
    const { git, rules, refsChanged, onPack } = this.#parts;
    const gitDir = await rules.make(repository);
    const bytes = incoming === undefined ? 0 : await moveIn(git, gitDir, incoming, setting);
    if (bytes > 0) onPack(repository, bytes);
    try {
      for (const stage of stages(setting.map(changeOf))) await this.#move(gitDir, stage);
    } finally {
      // A stage may have gone through before one that failed.
      refsChanged(gitDir);
    }
    await rules.follow(repository, setting);
  }

  /** Once more when something that a git left behind was in its way, as after a power failure. */
  async #move(gitDir: string, changes: readonly RefChange[]): Promise<void> {
    const { git, clock } = this.#parts;
    try {
      await moveRefs(git, gitDir, changes);
    } catch (error) {
      if ((await removeBlockers(gitDir, clock.now())) === 0) throw error;
      await moveRefs(git, gitDir, changes);
    }
  }

  async #isKnown(eventId: string): Promise<boolean> {
    const { purgatory, store } = this.#parts;
    return purgatory.has(eventId) || (await store.get(eventId)) !== undefined;
  }

  #tell({ repository, addressGroup }: PushRequest<Repository>, { unpack, results, bytes }: Outcome): void {
    const { metrics, log } = this.#parts;
    const refused = results.filter(({ type }) => type === 'refused').length;
    const verdict = refused === 0 ? 'accepted' : refused < results.length ? 'partly' : 'refused';
    metrics.countPush(verdict, bytes);
    const refs = results.slice(0, limits.pushLoggedRefsMax).map(({ ref, type }) => `${type} ${ref}`);
    log.info({ ...repository, addressGroup, verdict, unpack, bytes, commands: results.length, refs }, 'push');
  }
}

function changeOf({ command, from, to }: Setting): RefChange {
  const name = command.ref;
  if (from === undefined) return { type: 'create', name, to: to as string };
  return to === undefined ? { type: 'delete', name, from } : { type: 'update', name, from, to };
}

function resultOf(verdict: CommandVerdict): CommandResult {
  const { ref } = verdict.command;
  return verdict.type === 'refused' ? no(ref, verdict.reason) : { ref, type: 'ok' };
}

function no(ref: string, reason: string): CommandResult {
  return { ref, type: 'refused', reason };
}
