import type { Clock } from '../../../src/lib/clock.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { eventFrame } from '../../../src/relay/frames/frames.js';
import { ClientGoneError, type Outbox } from '../../../src/relay/frames/outbox.js';
import { textOf } from '../../../src/relay/frames/text-frame.js';
import type { RelaySettings } from '../../../src/relay/settings.js';
import type { HostPeer } from '../network/connection.js';

const sendPollMs = 100;

/** The way from a session to who is connected; tells when a subscription is sent the same event again. */
export class PeerOutbox implements Outbox {
  /** Whether the connection is over: nobody can be sent anything. */
  isGone = false;
  readonly #peer: HostPeer;
  readonly #clock: Clock;
  readonly #limits: Pick<RelaySettings, 'sendBytesHigh' | 'sendBytesLow'>;
  readonly #report: (what: string) => void;
  readonly #sent = new Set<string>();

  constructor(
    peer: HostPeer,
    clock: Clock,
    limits: Pick<RelaySettings, 'sendBytesHigh' | 'sendBytesLow'>,
    report: (what: string) => void,
  ) {
    this.#peer = peer;
    this.#clock = clock;
    this.#limits = limits;
    this.#report = report;
  }

  get full(): boolean {
    return this.#peer.bufferedBytes > this.#limits.sendBytesHigh;
  }

  send(text: string): void {
    if (this.isGone) return;
    const [type, subscription, event] = JSON.parse(text) as [string, string, NostrEvent?];
    if (type === 'EVENT' && event !== undefined) this.#note(subscription, event);
    this.#peer.send(text);
  }

  sendFrame(frame: Buffer): void {
    this.send(textOf(frame).toString());
  }

  sendEvent(prefix: Buffer, eventJson: Uint8Array): void {
    this.sendFrame(eventFrame(prefix, eventJson));
  }

  async waitForCapacity(): Promise<void> {
    if (!this.full) return;
    while (!this.isGone && this.#peer.bufferedBytes > this.#limits.sendBytesLow)
      await this.#clock.sleep(sendPollMs);
    if (this.isGone) throw new ClientGoneError();
  }

  giveWay(): void {
    this.#report('needs the memory of a connection');
    this.#peer.abort();
  }

  shutOut(): void {
    this.#report('takes what it is sent for what cannot be read');
    this.#peer.abort();
  }

  #note(subscription: string, { id, kind }: NostrEvent): void {
    const key = `${subscription} ${id}`;
    if (this.#sent.has(key)) this.#report(`sent ${id} of kind ${kind} twice to one subscription`);
    this.#sent.add(key);
  }
}
