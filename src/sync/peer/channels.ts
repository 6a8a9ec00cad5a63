import { limits } from '../../config/limits.js';
import { Channel, type ChannelListener, type ChannelTime } from './channel.js';

/** The channels that are open on one connection, by subscription id. */
export class Channels {
  readonly #time: ChannelTime;
  readonly #channels = new Map<string, Channel>();
  /** Those closed last, of which one more message may be on its way: many relays answer a CLOSE. */
  readonly #closed = new Set<string>();
  #opened = 0;

  constructor(time: ChannelTime) {
    this.#time = time;
  }

  get size(): number {
    return this.#channels.size;
  }

  get(id: string): Channel | undefined {
    return this.#channels.get(id);
  }

  /** All of them as they are now, whatever those who are told of something do. */
  all(): Channel[] {
    return [...this.#channels.values()];
  }

  /** Opens one under an id that this connection has not seen. */
  open(prefix: string, listener: ChannelListener): Channel {
    this.#opened += 1;
    const channel = new Channel(`${prefix}${this.#opened}`, listener, this.#time);
    this.#channels.set(channel.id, channel);
    return channel;
  }

  /** False when it was gone already. */
  close(channel: Channel): boolean {
    channel.rest();
    if (!this.#channels.delete(channel.id)) return false;
    this.#closed.add(channel.id);
    if (this.#closed.size > limits.remoteClosedChannelsMax) {
      for (const oldest of this.#closed) return this.#closed.delete(oldest);
    }
    return true;
  }

  /** Whether a message for that id may have crossed with our CLOSE; true once for each. */
  mayStillHear(id: string): boolean {
    return this.#closed.delete(id);
  }

  /** The connection ended: all are told. */
  end(): void {
    for (const channel of this.all()) {
      channel.rest();
      channel.listener.onGone();
    }
    this.#channels.clear();
  }
}
