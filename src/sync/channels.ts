import { Channel, type ChannelListener, type ChannelTime } from './channel.js';

/** The channels that are open on one connection, by subscription id. */
export class Channels {
  readonly #time: ChannelTime;
  readonly #channels = new Map<string, Channel>();
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
    return this.#channels.delete(channel.id);
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
