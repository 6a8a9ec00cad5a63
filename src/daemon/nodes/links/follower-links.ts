import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { WebSocketServer } from 'ws';
import type { Admission } from '../../../admission/admission.js';
import { reaches } from '../../../config/limit-use.js';
import { limits } from '../../../config/limits.js';
import type { UpgradeHandler } from '../../../http/http-service.js';
import type { AddressAccounts } from '../../../lib/budgets/address-accounts.js';
import type { CancelTimer, Clock } from '../../../lib/clock.js';
import type { Faults } from '../../../lib/faults.js';
import type { UpgradeRefusal } from '../../../lib/upgrade-refusal.js';
import type { ModerationLists } from '../../../moderation/lists.js';
import { watchFollowers } from '../follower-metrics.js';
import { toldNodeUrl } from '../node-url.js';
import type { KnownFollower } from '../nodes-report.js';
import { FollowerLink } from './follower-link.js';
import { type WriterMessage, writerFrame } from './node-messages.js';
import { claimsToBeNode, showsSecret } from './node-secret.js';
import type { NodeSocket } from './node-socket.js';

export type FollowerLinksParts = {
  readonly secret: string;
  readonly admission: Pick<Admission, 'submit' | 'waitForCapacity' | 'feed'>;
  readonly accounts: AddressAccounts;
  readonly registry: Registry;
  readonly moderationLists: Pick<ModerationLists, 'entries'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly faults: Faults;
};

/**
 * The graspd that follow this one, which writes: each has one connection here, on which it passes on what clients publish
 * there, and is told what became of it, and when there is something new in the database.
 */
export class FollowerLinks {
  readonly #parts: FollowerLinksParts;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.nodeMessageBytesMax,
    maxFragments: limits.messageFragmentsMax,
  });
  readonly #links = new Set<FollowerLink>();
  readonly #stopListening: readonly (() => void)[];
  #cancelLook: CancelTimer;
  #cancelTelling: CancelTimer | undefined;

  constructor(parts: FollowerLinksParts) {
    const { feed } = parts.admission;
    this.#parts = parts;
    this.#stopListening = [
      feed.onAccepted(({ event, stored }) => {
        if (stored) this.#tellSoon();
        else this.#tell({ type: 'ephemeral', event });
      }),
      feed.onRemoved(() => this.#tellSoon()),
    ];
    this.#cancelLook = this.#lookLater();
    watchFollowers(parts.registry, () => this.followers);
  }

  /** Those that are connected. */
  get followers(): readonly KnownFollower[] {
    return [...this.#links];
  }

  /** Takes the request of one for a WebSocket, or says why not; then the socket is left to the caller. */
  readonly handleUpgrade = (
    request: IncomingMessage,
    stream: Duplex,
    head: Buffer,
  ): UpgradeRefusal | undefined => {
    const { secret } = this.#parts;
    if (!showsSecret(request, secret))
      return { status: 403, reason: 'that is not the secret of this graspd' };
    if (reaches('followersMax', this.#links.size))
      return { status: 503, reason: 'too many follow this graspd' };
    this.#sockets.handleUpgrade(request, stream, head, (socket) =>
      this.welcome(socket, toldNodeUrl(request)),
    );
    return undefined;
  };

  /** Takes the connection of one that showed the secret; `url`: where that one is reached, as it says. */
  welcome(socket: NodeSocket, url: string | undefined): void {
    const { logger } = this.#parts;
    const link = new FollowerLink(socket, url, this.#parts);
    this.#links.add(link);
    logger.info({ url, followers: this.#links.size }, 'another graspd follows this one');
    void link.closed.then(() => {
      this.#links.delete(link);
      logger.info({ url, followers: this.#links.size }, 'another graspd follows this one no longer');
    });
    this.#look(link);
  }

  /** Ends all connections: who follows asks the next one that writes. Never rejects. */
  async close(): Promise<void> {
    this.#cancelLook();
    this.#cancelTelling?.();
    for (const stop of this.#stopListening) stop();
    await Promise.all([...this.#links].map((link) => link.close()));
  }

  /** What is written in a moment is told in one message. */
  #tellSoon(): void {
    if (this.#links.size === 0 || this.#cancelTelling !== undefined) return;
    this.#cancelTelling = this.#parts.clock.after(limits.followersToldMs, () => {
      this.#cancelTelling = undefined;
      this.#tellWritten(this.#links);
    });
  }

  #tellWritten(links: Iterable<FollowerLink>): void {
    const sequence = this.#parts.admission.feed.announced;
    const frame = writerFrame({ type: 'written', sequence });
    for (const link of links) link.tellWritten(sequence, frame);
  }

  #tell(message: WriterMessage): void {
    if (this.#links.size === 0) return;
    const frame = writerFrame(message);
    for (const link of this.#links) link.send(frame);
  }

  #blocked(): string[] {
    return [...this.#parts.moderationLists.entries('blocked-address').keys()];
  }

  #lookLater(): CancelTimer {
    return this.#parts.clock.after(limits.nodePingMs, () => {
      this.#cancelLook = this.#lookLater();
      for (const link of this.#links) this.#look(link);
    });
  }

  /** Tells a follower what it may have missed, which shows too that we are here; and whether it still is. */
  #look(link: FollowerLink): void {
    link.check();
    this.#tellWritten([link]);
    link.tellBlocked(writerFrame({ type: 'blocked', networks: this.#blocked() }));
  }
}

/** Who takes requests for WebSockets: those of followers, where this one is followed, and those of clients. */
export function followersFirst(
  followers: Pick<FollowerLinks, 'handleUpgrade'> | undefined,
  clients: UpgradeHandler,
): UpgradeHandler {
  return (request, stream, head, addressGroup) => {
    if (!claimsToBeNode(request)) return clients(request, stream, head, addressGroup);
    if (followers === undefined) return { status: 503, reason: 'this graspd is not followed' };
    return followers.handleUpgrade(request, stream, head);
  };
}
