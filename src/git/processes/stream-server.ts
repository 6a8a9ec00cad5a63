import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { limits } from '../../config/limits.js';
import { deferred } from '../../lib/abort.js';
import { readyLine, type StreamHeader } from './helper-messages.js';

/** Takes a connection whose header was read, with nothing else read of it. */
export type StreamHandler = (header: StreamHeader, socket: Socket) => void;

/** A Unix socket in a folder that only this user can enter; one connection is one command. */
export class StreamServer {
  readonly #server: Server;
  #path: Promise<string> | undefined;
  #folder: string | undefined;

  constructor(onStream: StreamHandler) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => takeHeader(socket, onStream));
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
function takeHeader(socket: Socket, onStream: StreamHandler): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const take = (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (chunk.at(-1) !== 0x0a) {
      if (bytes > limits.gitStreamHeaderBytesMax) socket.destroy();
      return;
    }
    socket.off('data', take);
    socket.pause();
    const header = JSON.parse(Buffer.concat(chunks).toString('utf8')) as StreamHeader;
    socket.write(readyLine, (error) => {
      if (error === undefined || error === null) onStream(header, socket);
    });
  };
  socket.on('data', take);
  socket.on('error', () => socket.destroy());
}
