import type { Readable, Writable } from 'node:stream';
import { limits } from '../config/limits.js';
import type { BareRepositories } from '../git/bare-repositories.js';
import type { GitStreams } from '../git/git-streams.js';
import { Quarantine } from '../git/objects/quarantine.js';
import { isHeadOrTag, isPullRequestRef } from '../git/ref-name.js';
import { type RefChange, stages } from '../git/ref-plan.js';
import { moveRefs } from '../git/refs.js';
import { removeStaleLocks } from '../git/stale-locks.js';
import { GitProtocolError } from '../git-protocol/errors.js';
import type { CommandResult } from '../git-protocol/push-report.js';
import { type ReceiveRequest, ReceiveRequestParser } from '../git-protocol/receive-request.js';
import type { Clock } from '../lib/clock.js';
import { errorCode, errorMessage } from '../lib/errors.js';
import type { KeyedLocks } from '../lib/turns/keyed-locks.js';
import { lapsedReason } from '../purgatory/held-event.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';
import type { HostingLog } from './hosting-log.js';
import { drain, type PackLimits, type PackRoom, takePack } from './incoming-pack.js';
import type { Promotion } from './promotion/promotion.js';
import { PushAnswer } from './push-answer.js';
import { type ContextParts, type PushLook, pushContext } from './push-context.js';
import type { PushMetrics } from './push-metrics.js';
import { allOrNothing, type CommandVerdict, eventIdOf, judgePush, refused } from './push-verdict.js';
import {
  checkObjects,
  type Incoming,
  isSetting,
  lookThrough,
  moveIn,
  type Setting,
} from './pushed-objects.js';

/** A push: the body of `git-receive-pack`, not compressed any more, and whose it is. */
export type PushRequest = {
  readonly repository: RepositoryId;
  readonly gitDir: string;
  readonly body: Readable;
  readonly addressGroup: string;
  readonly signal: AbortSignal;
};

export type ReceiveParts = ContextParts & {
  readonly directory: Pick<RepositoryDirectory, 'isServed' | 'maintainersOf' | 'stateOf'>;
  readonly streams: GitStreams;
  readonly repositories: BareRepositories;
  readonly locks: KeyedLocks;
  readonly promotion: Promotion;
  readonly refsChanged: (gitDir: string) => void;
  readonly clock: Clock;
  readonly metrics: PushMetrics;
  readonly log: HostingLog;
  readonly packLimits: PackLimits;
  /** Room for a pack while it comes. What is only proposed leaves a part of the repository to its maintainers. */
  readonly reserve: (repository: RepositoryId, isProposal: boolean) => PackRoom & Disposable;
  /** Told of each pack that came into a repository. */
  readonly onPack: (repository: RepositoryId, bytes: number) => void;
  /** Why nobody may push here, or not now. */
  readonly refusal: (repository: RepositoryId) => string | undefined;
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
 * Takes pushes (git.md §2). The commands are judged before anything of the pack is taken, and once more, under the lock of
 * the identifier, when all of it is here and was checked: a slow pusher keeps nobody waiting. Git never sees a command.
 */
export class ReceiveService {
  readonly #parts: ReceiveParts;

  constructor(parts: ReceiveParts) {
    this.#parts = parts;
  }

  /** Takes a push and writes the whole answer. Rejects when client or git are gone before there is one. */
  async receive(request: PushRequest, answer: Writable): Promise<void> {
    const body: AsyncIterator<Buffer> = request.body[Symbol.asyncIterator]();
    const parser = new ReceiveRequestParser(headLimits);
    let head: ReceiveRequest | undefined;
    try {
      head = await readHead(parser, body);
    } catch (error) {
      if (!(error instanceof GitProtocolError)) throw error;
      await drain(body, this.#parts.packLimits.bytesMax);
      using failing = new PushAnswer(answer, new Set(), this.#parts.clock);
      failing.fail(error.message);
      return;
    }
    if (head.commands.length === 0) {
      answer.end();
      return;
    }
    const { clock, log } = this.#parts;
    const { commands } = head;
    using report = new PushAnswer(answer, head.capabilities, clock);
    const pieces = withFirst(parser.rest, body);
    const outcome = await this.#take(request, head, pieces).catch(async (error: unknown) => {
      if (request.signal.aborted) throw error;
      // What was left behind by a git that was killed would make each other try fail too.
      await removeStaleLocks(request.gitDir, clock.now()).catch(() => 0);
      log.warn({ ...request.repository, error: errorMessage(error) }, 'a push failed');
      // What is wrong with the body is said to who sends it.
      const isOfBody = errorCode(error) === 'request_body';
      const reason = isOfBody ? errorMessage(error) : 'the push failed on this server; try again';
      return { unpack: reason, results: commands.map(({ ref }) => no(ref, reason)), bytes: 0 };
    });
    report.report(outcome.unpack, outcome.results);
    this.#tell(request, outcome);
  }

  async #take(request: PushRequest, head: ReceiveRequest, body: AsyncIterator<Buffer>): Promise<Outcome> {
    const { repositories, streams, git } = this.#parts;
    const refused = this.#refusal(request.repository) ?? this.#parts.takePush(request.addressGroup);
    if (refused !== undefined) {
      const bytes = await drain(body, this.#parts.packLimits.bytesMax);
      return { unpack: 'ok', results: head.commands.map(({ ref }) => no(ref, refused)), bytes };
    }
    const look = await this.#look(request, head);
    const verdicts = judge(head, look);
    const setting = verdicts.filter(isSetting);
    const isProposal = !setting.some(({ command }) => isHeadOrTag(command.ref));
    const packLimits = this.#packLimitsFor(isProposal);
    if (!setting.some(({ to }) => to !== undefined)) {
      const bytes = await drain(body, packLimits.bytesMax);
      return { unpack: 'ok', results: await this.#finish(request, head, look, undefined), bytes };
    }
    // Given back after the quarantine is gone.
    using room = this.#parts.reserve(request.repository, isProposal);
    const folder = await repositories.makeWorkFolder('incoming-');
    await using quarantine = new Quarantine(request.gitDir, folder);
    const pack = await takePack(streams, quarantine, body, packLimits, room, request.signal);
    const bytes = pack.bytes + (await drain(body, packLimits.bytesMax - pack.bytes));
    if (pack.type === 'refused') {
      const results = head.commands.map(({ ref }) => no(ref, pack.reason));
      return { unpack: pack.reason, results, bytes };
    }
    const results = await this.#finish(request, head, look, await lookThrough(git, quarantine, verdicts));
    if (pack.diskBytes > 0) this.#parts.onPack(request.repository, pack.diskBytes);
    return { unpack: 'ok', results, bytes };
  }

  #refusal(repository: RepositoryId): string | undefined {
    const { directory, purgatory, refusal } = this.#parts;
    if (directory.isServed(repository)) return refusal(repository);
    const hasLapsed = purgatory.lapsedAnnouncementOf(repository) !== undefined;
    return hasLapsed ? lapsedReason : 'this repository is not hosted here any more';
  }

  /** Who proposes a change needs nobody's leave, so that it has to be smaller than what a maintainer may push. */
  #packLimitsFor(isProposal: boolean): PackLimits {
    const { packLimits } = this.#parts;
    if (!isProposal || packLimits.bytesMax <= limits.pullRequestPackBytesMax) return packLimits;
    const bytesMaxIs = 'the limit for pull requests';
    return { ...packLimits, bytesMax: limits.pullRequestPackBytesMax, bytesMaxIs };
  }

  async #look(request: PushRequest, { commands }: ReceiveRequest, earlier?: PushLook): Promise<PushLook> {
    const { repository, gitDir, addressGroup } = request;
    return await pushContext(this.#parts, repository, gitDir, commands, addressGroup, earlier);
  }

  /** The last look and all that follows it, alone on the identifier. */
  async #finish(
    request: PushRequest,
    head: ReceiveRequest,
    earlier: PushLook,
    incoming: Incoming | undefined,
  ): Promise<CommandResult[]> {
    const { locks, metrics, git } = this.#parts;
    const { repository, gitDir, signal } = request;
    return await locks.use(repository.identifier, signal, async () => {
      const refusal = this.#refusal(repository);
      if (refusal !== undefined) return head.commands.map(({ ref }) => no(ref, refusal));
      const isAtomic = head.capabilities.has('atomic');
      const judged = judge(head, await this.#look(request, head, earlier));
      const checked = await checkObjects(git, gitDir, judged, incoming);
      const right = isAtomic ? allOrNothing(checked) : checked;
      const announced = await this.#awaitEvents(request, right);
      const verdicts = isAtomic ? allOrNothing(announced) : announced;
      const setting = verdicts.filter(isSetting);
      if (setting.length > 0) await this.#set(request, setting, incoming);
      for (const { type } of verdicts) metrics.countCommand(type);
      return verdicts.map(resultOf);
    });
  }

  /** Notes which refs of pull requests wait for their events; refuses those for which there is no room any more. */
  async #awaitEvents(
    { repository, addressGroup }: PushRequest,
    verdicts: readonly CommandVerdict[],
  ): Promise<CommandVerdict[]> {
    const noted: CommandVerdict[] = [];
    for (const verdict of verdicts) {
      const { command } = verdict;
      const isOfEvent = verdict.type === 'set' && isPullRequestRef(command.ref);
      if (!isOfEvent || (await this.#isKnown(eventIdOf(command.ref)))) {
        noted.push(verdict);
        continue;
      }
      const awaiting = this.#parts.purgatory.awaited.add(repository, eventIdOf(command.ref), addressGroup);
      if ('written' in awaiting) await awaiting.written;
      noted.push('written' in awaiting ? verdict : refused(command, awaiting.refusal));
    }
    return noted;
  }

  /** Moves in what is needed, sets the refs in one transaction, and lets follow what waited for that. */
  async #set(
    { repository, gitDir }: PushRequest,
    setting: readonly Setting[],
    incoming: Incoming | undefined,
  ): Promise<void> {
    const { git, promotion, refsChanged } = this.#parts;
    if (incoming !== undefined) await moveIn(git, incoming, setting);
    try {
      for (const stage of stages(setting.map(changeOf))) await moveRefs(git, gitDir, stage);
    } finally {
      // A stage may have gone through before one that failed.
      refsChanged(gitDir);
    }
    const isOfState = setting.some(({ command }) => isHeadOrTag(command.ref));
    await promotion.afterObjects(repository, isOfState);
  }

  async #isKnown(eventId: string): Promise<boolean> {
    const { purgatory, store } = this.#parts;
    return purgatory.pullRequest(eventId) !== undefined || (await store.get(eventId)) !== undefined;
  }

  #tell({ repository, addressGroup }: PushRequest, { unpack, results, bytes }: Outcome): void {
    const { metrics, log } = this.#parts;
    const refused = results.filter(({ type }) => type === 'refused').length;
    const verdict = refused === 0 ? 'accepted' : refused < results.length ? 'partly' : 'refused';
    metrics.countPush(verdict, bytes);
    const refs = results.slice(0, limits.pushLoggedRefsMax).map(({ ref, type }) => `${type} ${ref}`);
    log.info({ ...repository, addressGroup, verdict, unpack, bytes, commands: results.length, refs }, 'push');
  }
}

function judge({ commands, capabilities }: ReceiveRequest, { context }: PushLook): CommandVerdict[] {
  return judgePush(commands, context, capabilities.has('atomic'));
}

async function readHead(parser: ReceiveRequestParser, body: AsyncIterator<Buffer>): Promise<ReceiveRequest> {
  for (;;) {
    const next = await body.next();
    if (next.done === true) throw new GitProtocolError('the push ends within its commands');
    const request = parser.push(next.value);
    if (request !== undefined) return request;
  }
}

async function* withFirst(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
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
