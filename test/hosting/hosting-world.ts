import { PassThrough, Readable } from 'node:stream';
import { isOfPrs, type PrsRepository, type RepositoryKey } from '../../src/git/bare-repositories.js';
import { HelperGitStreams } from '../../src/git/git-streams.js';
import { GitHelper } from '../../src/git/processes/helper-process.js';
import { flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';
import { AnnouncedPushRules } from '../../src/hosting/announced-push-rules.js';
import { Promotion } from '../../src/hosting/promotion/promotion.js';
import { PrsAlignment } from '../../src/hosting/prs/prs-alignment.js';
import { PrsMetrics } from '../../src/hosting/prs/prs-metrics.js';
import { PrsPushRules } from '../../src/hosting/prs/prs-push-rules.js';
import { PrsRegistry } from '../../src/hosting/prs/prs-registry.js';
import { PushMetrics } from '../../src/hosting/push-metrics.js';
import { ReceiveService } from '../../src/hosting/receive-service.js';
import { systemClock } from '../../src/lib/clock.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { gitBytes } from '../git/scratch.js';
import { gitWorld } from '../policy/git-world.js';

export const zeroId = '0'.repeat(40);

/** One line of a push. */
export type Line = readonly [ref: string, to: string, from?: string];

export type Push = {
  readonly lines: readonly Line[];
  readonly capabilities?: string;
  readonly pack?: Buffer;
  readonly addressGroup?: string;
};

/** A policy, its git side and the service that takes pushes; events are held and promoted without signatures. */
export async function hostingWorld(settings: Parameters<typeof gitWorld>[0] = {}) {
  const world = gitWorld(settings);
  const { parts, purgatory } = world;
  const changed: string[] = [];
  parts.refChanges.onChange((gitDir) => changed.push(gitDir));
  const promoted: string[] = [];
  /** What happens to events that are about to be stored; gives whether they are. */
  let promoting: (event: NostrEvent) => Promise<boolean> = async () => true;
  let sparedBytes = 0;
  let roomFor: (repository: RepositoryId) => number = () => Number.MAX_SAFE_INTEGER;
  const packs: string[] = [];
  const linkedTo: string[] = [];
  const promote = async (event: NostrEvent): Promise<void> => {
    promoted.push(event.id);
    if (!(await promoting(event))) return;
    await purgatory.release(event.id, 'promoted');
    world.submit(event);
  };
  const streams = new HelperGitStreams(new GitHelper(world.signal), systemClock);
  const shared = {
    ...parts,
    streams,
    refsChanged: (gitDir: string) => parts.refChanges.announce(gitDir),
    roomFor: (repository: RepositoryId) => roomFor(repository),
    proposalRoomFor: (repository: RepositoryId) => roomFor(repository) - sparedBytes,
    onPack: (repository: RepositoryKey) =>
      void packs.push(isOfPrs(repository) ? repository.signer : repository.pubkey),
    onShared: (_: RepositoryKey, { pubkey }: RepositoryId) => void linkedTo.push(pubkey),
    alignment: world.alignment,
  };
  const isOwnService = (url: string) => world.serving.isOwnService(url);
  const registry = new PrsRegistry({ keyRepositoriesMax: 2, repositoriesMax: 3 });
  const prsMetrics = new PrsMetrics(world.registry);
  const removed: PrsRepository[] = [];
  const prsAlignment = new PrsAlignment({
    ...parts,
    ...shared,
    registry,
    metrics: prsMetrics,
    isOwnService,
    onRemoved: (repository) => void removed.push(repository),
  });
  const prs = settings.grasp06Enable === true ? prsAlignment : undefined;
  const promotion = new Promotion({ ...shared, promote, prs }, world.signal);
  let refusal: string | undefined;
  const packLimits = {
    bytesMax: 10_000_000,
    bytesMaxIs: '--git-push-max-mb',
    objectsMax: 1_000,
    msMax: 60_000,
  };
  let coming = 0;
  const reserve = (repository: RepositoryId, isProposal: boolean) => {
    let taken = 0;
    return {
      take(bytes: number) {
        const room = roomFor(repository) - (isProposal ? sparedBytes : 0);
        if (coming + bytes > room) return 'no room (--repository-max-mb)';
        taken += bytes;
        coming += bytes;
        return undefined;
      },
      [Symbol.dispose]() {
        coming -= taken;
      },
    };
  };
  const receiving = {
    ...shared,
    clock: systemClock,
    drainBytesMax: () => packLimits.bytesMax,
    takePush: () => undefined,
  };
  const service = new ReceiveService({
    ...receiving,
    rules: new AnnouncedPushRules({ ...shared, promotion, packLimits, reserve, refusal: () => refusal }),
    metrics: new PushMetrics(world.registry),
  });
  const room = {
    refusal: () => refusal,
    reserve: ({ signer, identifier }: PrsRepository, isAnnounced: boolean) =>
      reserve({ pubkey: signer, identifier }, !isAnnounced),
  };
  const prsService = new ReceiveService({
    ...receiving,
    rules: new PrsPushRules({
      ...shared,
      registry,
      room,
      alignment: prsAlignment,
      promotion,
      packLimits,
      metrics: prsMetrics,
      isOwnService,
      signal: world.signal,
    }),
    metrics: new PushMetrics(world.registry, 'ngit_grasp06'),
  });
  await world.start();

  return {
    ...world,
    streams,
    promotion,
    promoted,
    /** The owners of the repositories into which packs came. */
    packs,
    /** The owners of the repositories into which packs of others came by a link. */
    linkedTo,
    onPromote: (work: typeof promoting) => {
      promoting = work;
    },
    packLimits,
    /** Bytes that pushes have taken room for. */
    coming: () => coming,
    limitRoom: (room: typeof roomFor, spared = 0) => {
      roomFor = room;
      sparedBytes = spared;
    },
    changed,
    service,
    /** Repositories of pull requests (GRASP-06), and those that were removed. */
    prs: { registry, alignment: prsAlignment, removed },
    /** Lets the repositories of pull requests follow events, until the world ends. */
    servePrs: () => void prsAlignment.serve(world.signal),
    refuse: (reason: string) => {
      refusal = reason;
    },
    /** Holds an event, and looks whether what it waits for is here. */
    async hold(...events: NostrEvent[]): Promise<('promoted' | 'waits')[]> {
      const results: ('promoted' | 'waits')[] = [];
      for (const event of events) {
        const holding = purgatory.hold(event, { addressGroup: undefined, parents: [] });
        if ('refusal' in holding) throw new Error(holding.refusal);
        await holding.written;
        results.push(await promotion.examine(event));
      }
      return results;
    },
    /** Sends a push and gives the lines of its report. */
    async push(repository: RepositoryKey, push: Push): Promise<string[]> {
      const body = Readable.from(bodyOf(push));
      return linesOf(await this.pushBody(repository, body, push.addressGroup));
    },
    async pushBody(
      repository: RepositoryKey,
      body: Readable,
      addressGroup = '192.0.2.1',
      answer = new PassThrough(),
      signal = world.signal,
    ): Promise<Buffer> {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      const gitDir = world.repositories.pathOf(repository);
      const request = { gitDir, body, addressGroup, signal };
      if (isOfPrs(repository)) await prsService.receive({ ...request, repository }, answer);
      else await service.receive({ ...request, repository }, answer);
      return Buffer.concat(chunks);
    },
  };
}

/** The body of a push in two pieces: its commands, and its pack. */
export function bodyOf({ lines, capabilities = 'report-status', pack }: Push): Buffer[] {
  const commands = lines.map(([ref, to, from = zeroId], index) =>
    pktLine(`${from} ${to} ${ref}${index === 0 ? `\0${capabilities}` : ''}`),
  );
  return [Buffer.concat([...commands, flushPkt]), ...(pack === undefined ? [] : [pack])];
}

/** The pkt-lines of an answer, as text. */
export function linesOf(bytes: Buffer): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number.parseInt(bytes.toString('latin1', at, at + 4), 16);
    if (length >= 4) lines.push(bytes.toString('utf8', at + 4, at + length).trimEnd());
    at += Math.max(length, 4);
  }
  return lines;
}

/** A pack of these objects and all that they lead to, without what `without` leads to. */
export function packOf(
  gitDir: string,
  objectIds: readonly string[],
  without: readonly string[] = [],
): Buffer {
  const input = [...objectIds, ...without.map((id) => `^${id}`), ''].join('\n');
  return gitBytes(gitDir, ['pack-objects', '--revs', '--stdout', '--quiet'], input);
}
