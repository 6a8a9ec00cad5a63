import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { exceeds } from '../../config/limit-use.js';
import { deferred } from '../../lib/abort.js';
import { readyLine, type StreamHeader } from './helper-messages.js';

type OutputHeader = Extract<StreamHeader, { direction: 'output' }>;

/** A command and its two connections, of which nothing was read but their headers. */
export type ConnectedCommand = {
  readonly id: number;
  readonly command: OutputHeader['command'];
  readonly input: Socket;
  readonly output: Socket;
};

export type StreamHandler = (connected: ConnectedCommand) => void;

/** A connection of a command that waits for the other one. */
type Half = { readonly header: StreamHeader; readonly socket: Socket };

/** A Unix socket in a folder that only this user can enter; two connections are one command. */
export class StreamServer {
  readonly #server: Server;
  readonly #onStream: StreamHandler;
  readonly #halves = new Map<number, Half>();
  #path: Promise<string> | undefined;
  #folder: string | undefined;

  constructor(onStream: StreamHandler) {
    this.#onStream = onStream;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      takeHeader(socket, (header) => this.#take({ header, socket }));
    });
  }

  /** Listens, at the first call; gives the path of the socket. */
  listen(): Promise<string> {
    this.#path ??= this.#listen();
    return this.#path;
  }

  /** Takes no more connections, and removes the folder. */
  close(): void {
    this.#server.close();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  #take(half: Half): void {
    const { id } = half.header;
    const other = this.#halves.get(id);
    if (other === undefined) {
      this.#halves.set(id, half);
      half.socket.once('close', () => {
        if (this.#halves.get(id) === half) this.#halves.delete(id);
      });
      return;
    }
    this.#halves.delete(id);
    const [input, output] = half.header.direction === 'input' ? [half, other] : [other, half];
    if (output.header.direction !== 'output') return;
    const { command } = output.header;
    input.socket.write(readyLine, () => {
      output.socket.write(readyLine, () =>
        this.#onStream({ id, command, input: input.socket, output: output.socket }),
      );
    });
  }

  async #listen(): Promise<string> {
    this.#folder = mkdtempSync(join(tmpdir(), 'graspd-git-'));
    chmodSync(this.#folder, 0o700);
    const path = join(this.#folder, 'socket');
    const listening = deferred<void>();
    this.#server.once('error', listening.reject);
    this.#server.listen(path, () => listening.resolve());
    await listening.promise;
    return path;
  }
}

/** Removes the folder of a socket whose server could not. */
export function removeSocketFolder(path: string): void {
  rmSync(dirname(path), { recursive: true, force: true });
}

/** Reads the header. The other side sends nothing after it before it was answered: all that follows is git's. */
function takeHeader(socket: Socket, onHeader: (header: StreamHeader) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const take = (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (exceeds('gitStreamHeaderBytesMax', bytes)) socket.destroy();
    else if (chunk.at(-1) === 0x0a) {
      socket.off('data', take);
      socket.pause();
      onHeader(JSON.parse(Buffer.concat(chunks).toString('utf8')) as StreamHeader);
    }
  };
  socket.on('data', take);
  socket.on('error', () => socket.destroy());
}
