import type { Readable, Writable } from 'node:stream';
import { limits } from '../config/limits.js';
import type { BareRepositories } from '../git/bare-repositories.js';
import type { GitStreams } from '../git/git-streams.js';
import { Quarantine } from '../git/objects/quarantine.js';
import { isHeadOrTag } from '../git/ref-name.js';
import { type RefChange, stages } from '../git/ref-plan.js';
import { moveRefs, readObjectTypes } from '../git/refs.js';
import { GitProtocolError } from '../git-protocol/errors.js';
import type { CommandResult } from '../git-protocol/push-report.js';
import { type ReceiveRequest, ReceiveRequestParser } from '../git-protocol/receive-request.js';
import type { Clock } from '../lib/clock.js';
import { errorMessage } from '../lib/errors.js';
import type { KeyedLocks } from '../lib/turns/keyed-locks.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';
import { drain, type PackLimits, takePack } from './incoming-pack.js';
import type { HostingLog, Promotion } from './promotion.js';
import { PushAnswer } from './push-answer.js';
import { type ContextParts, pushContext } from './push-context.js';
import type { PushMetrics } from './push-metrics.js';
import { type CommandVerdict, eventIdOf, judgePush } from './push-verdict.js';

/** A push: the body of `git-receive-pack`, not compressed any more, and whose it is. */
export type PushRequest = {
  readonly repository: RepositoryId;
  readonly gitDir: string;
  readonly body: Readable;
  readonly protocol: string | undefined;
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
  /** Bytes that may still come into a repository. */
  readonly roomFor: (repository: RepositoryId) => number;
  /** Told of each pack that came into a repository. */
  readonly onPack: (repository: RepositoryId, bytes: number) => void;
  /** Why nobody may push here, or not now. */
  readonly refusal: (repository: RepositoryId) => string | undefined;
  /** Counts a push from an address, or says why it may not push now. */
  readonly takePush: (addressGroup: string) => string | undefined;
};

type Setting = Extract<CommandVerdict, { readonly type: 'set' }>;

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
    const outcome = await this.#take(request, head, pieces).catch((error: unknown) => {
      if (request.signal.aborted) throw error;
      log.warn({ ...request.repository, error: errorMessage(error) }, 'a push failed');
      const reason = 'the push failed on this server; try again';
      return { unpack: reason, results: commands.map(({ ref }) => no(ref, reason)), bytes: 0 };
    });
    report.report(outcome.unpack, outcome.results);
    this.#tell(request, outcome);
  }

  async #take(request: PushRequest, head: ReceiveRequest, body: AsyncIterator<Buffer>): Promise<Outcome> {
    const { repositories, streams } = this.#parts;
    const refused = this.#refusal(request.repository) ?? this.#parts.takePush(request.addressGroup);
    if (refused !== undefined) {
      const bytes = await drain(body, this.#parts.packLimits.bytesMax);
      return { unpack: 'ok', results: head.commands.map(({ ref }) => no(ref, refused)), bytes };
    }
    const verdicts = await this.#judge(request, head);
    const setting = verdicts.filter(isSetting);
    const packLimits = this.#packLimitsFor(request.repository, setting);
    if (!setting.some(({ to }) => to !== undefined)) {
      const bytes = await drain(body, packLimits.bytesMax);
      return { unpack: 'ok', results: await this.#finish(request, head, undefined), bytes };
    }
    const folder = await repositories.makeWorkFolder('incoming-');
    await using quarantine = new Quarantine(request.gitDir, folder);
    const pack = await takePack(streams, quarantine, body, packLimits, request.signal);
    if (pack.type === 'refused') {
      const results = head.commands.map(({ ref }) => no(ref, pack.reason));
      return { unpack: pack.reason, results, bytes: pack.bytes };
    }
    const results = await this.#finish(request, head, quarantine);
    this.#parts.onPack(request.repository, pack.bytes);
    return { unpack: 'ok', results, bytes: pack.bytes };
  }

  #refusal(repository: RepositoryId): string | undefined {
    if (!this.#parts.directory.isServed(repository)) return 'this repository is not hosted here any more';
    return this.#parts.refusal(repository);
  }

  /** Who proposes a change needs nobody's leave, so that it has to be smaller than what a maintainer may push. */
  #packLimitsFor(repository: RepositoryId, setting: readonly Setting[]): PackLimits {
    const { roomFor } = this.#parts;
    const { bytesMax, ...rest } = this.#parts.packLimits;
    const packLimits = { ...rest, bytesMax: Math.min(bytesMax, roomFor(repository)) };
    if (setting.some(({ command }) => isHeadOrTag(command.ref))) return packLimits;
    return { ...packLimits, bytesMax: Math.min(packLimits.bytesMax, limits.pullRequestPackBytesMax) };
  }

  async #judge(request: PushRequest, { commands, capabilities }: ReceiveRequest): Promise<CommandVerdict[]> {
    const { repository, gitDir, addressGroup } = request;
    const context = await pushContext(this.#parts, repository, gitDir, commands, addressGroup);
    return judgePush(commands, context, capabilities.has('atomic'));
  }

  /** The last look and all that follows it, alone on the identifier. */
  async #finish(
    request: PushRequest,
    head: ReceiveRequest,
    quarantine: Quarantine | undefined,
  ): Promise<CommandResult[]> {
    const { locks, metrics } = this.#parts;
    const { repository, signal } = request;
    return await locks.use(repository.identifier, signal, async () => {
      const refused = this.#refusal(repository);
      if (refused !== undefined) return head.commands.map(({ ref }) => no(ref, refused));
      const judged = await this.#judge(request, head);
      const verdicts = await this.#checkObjects(request, judged, quarantine, head.capabilities.has('atomic'));
      const setting = verdicts.filter(isSetting);
      if (setting.length > 0) await this.#set(request, setting, verdicts, quarantine);
      for (const { type } of verdicts) metrics.countCommand(type);
      return verdicts.map(resultOf);
    });
  }

  /** Refuses what would name an object that is not here, or lacks some that it leads to, or is of the wrong type. */
  async #checkObjects(
    { gitDir }: PushRequest,
    verdicts: readonly CommandVerdict[],
    quarantine: Quarantine | undefined,
    isAtomic: boolean,
  ): Promise<CommandVerdict[]> {
    const { git } = this.#parts;
    const tips = tipsOf(verdicts.filter(isSetting));
    if (tips.length === 0) return [...verdicts];
    const objects = quarantine?.folders;
    const types = await readObjectTypes(git, gitDir, tips, objects);
    const isThere = tips.every((id) => types.has(id));
    const isConnected =
      quarantine === undefined ||
      (isThere && (await quarantine.isConnected(git, tips, limits.pushCheckMsMax)));
    const checked = verdicts.map((verdict): CommandVerdict => {
      if (verdict.type !== 'set' || verdict.to === undefined) return verdict;
      const { command, to } = verdict;
      if (!types.has(to))
        return { command, type: 'refused', reason: `${to.slice(0, 8)} was not in the push` };
      if (!isConnected)
        return { command, type: 'refused', reason: 'objects that the push leads to are missing' };
      if (!command.ref.startsWith('refs/tags/') && types.get(to) !== 'commit')
        return { command, type: 'refused', reason: `${to.slice(0, 8)} is no commit` };
      return verdict;
    });
    const wrong = checked.find(({ type }) => type === 'refused');
    if (!isAtomic || wrong === undefined) return checked;
    const reason = `${wrong.command.ref} was refused, and the push is atomic`;
    return checked.map((verdict) =>
      verdict.type === 'refused' ? verdict : { command: verdict.command, type: 'refused', reason },
    );
  }

  /** Moves in what is needed, sets the refs in one transaction, and lets follow what waited for that. */
  async #set(
    { repository, gitDir, addressGroup }: PushRequest,
    setting: readonly Setting[],
    verdicts: readonly CommandVerdict[],
    quarantine: Quarantine | undefined,
  ): Promise<void> {
    const { git, promotion, purgatory, refsChanged } = this.#parts;
    const tips = tipsOf(setting);
    if (quarantine !== undefined && tips.length > 0) {
      // What was refused leaves nothing behind: any object that is here is served to who knows its id.
      const isWhole = verdicts.every(({ type }) => type !== 'refused');
      if (!isWhole) await quarantine.keepOnly(git, tips, limits.pushCheckMsMax);
      await quarantine.moveIn();
    }
    for (const { command } of setting) {
      const id = eventIdOf(command.ref);
      if (!command.ref.startsWith('refs/nostr/') || (await this.#isKnown(id))) continue;
      const awaiting = purgatory.awaited.add(repository, id, addressGroup);
      if ('written' in awaiting) await awaiting.written;
    }
    for (const stage of stages(setting.map(changeOf))) await moveRefs(git, gitDir, stage);
    refsChanged(gitDir);
    await promotion.afterObjects(repository);
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

function isSetting(verdict: CommandVerdict): verdict is Setting {
  return verdict.type === 'set';
}

function tipsOf(setting: readonly Setting[]): string[] {
  return [...new Set(setting.flatMap(({ to }) => to ?? []))];
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
