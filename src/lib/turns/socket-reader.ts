import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Runnable, TurnScheduler } from './turn-scheduler.js';

export type ReaderParts = {
  readonly socket: Pick<WebSocket, 'isPaused' | 'readyState' | 'OPEN'>;
  /** What `socket` stands on. */
  readonly stream: Duplex;
  /** The turns in which all sockets of that sort are read. */
  readonly turns: TurnScheduler;
  /** Whose turns they are, and whether it waits behind others. */
  readonly party: Pick<Runnable, 'group' | 'isOverBudget'>;
  /** Most that is read before others have their turn. */
  readonly pieceBytes: number;
  /** Makes a callback one whose faults are somebody's. */
  readonly own: (callback: () => void) => () => void;
};

/**
 * Reads the WebSocket of a client or a remote, a piece at a time: at once while the slice of the turn for that lasts and nobody
 * waits, else in turns, of one group after the other. So a turn reads what fits its slice, however much comes on however many
 * connections: thousands of messages fit in what Node reads of a socket at once.
 *
 * A stream that has a listener to `readable` gives its data, to all who listen to `data`, only when it is asked for.
 */
export class SocketReader implements Runnable {
  readonly #parts: ReaderParts;
  readonly #read: () => void;

  /** To be made when `socket` listens to the stream already. */
  constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.#read = parts.own(() => this.#readPiece());
    parts.stream.on(
      'readable',
      parts.own(() => this.#onReadable()),
    );
    // Before `ws` is told, which would read at once what is left.
    parts.stream.prependListener(
      'close',
      parts.own(() => this.#drop()),
    );
  }

  get group(): string | undefined {
    return this.#parts.party.group;
  }

  get isOverBudget(): boolean {
    return this.#parts.party.isOverBudget;
  }

  /** Whether there is something to read that may be read: of a socket that closes all is. */
  get isReady(): boolean {
    const { socket, stream } = this.#parts;
    return stream.readableLength > 0 && (!socket.isPaused || socket.readyState !== socket.OPEN);
  }

  step(): 'done' {
    if (this.isReady) this.#read();
    return 'done';
  }

  /** Goes on when the socket is paused no longer. */
  resume(): void {
    if (this.isReady) this.#parts.turns.schedule(this);
  }

  #onReadable(): void {
    const { turns } = this.#parts;
    if (!turns.isOver && !turns.isWantedBesides(this)) this.step();
    this.resume();
  }

  #readPiece(): void {
    const { stream, pieceBytes } = this.#parts;
    // Only a stream that is asked for all comes to its end.
    if (stream.readableLength > pieceBytes) stream.read(pieceBytes);
    else stream.read();
  }

  #drop(): void {
    this.#parts.turns.remove(this);
    this.#parts.stream.read();
  }
}
