import { once } from 'node:events';
import { type RawData, WebSocket } from 'ws';

type Answer = { readonly id?: number; readonly result?: unknown; readonly error?: { message: string } };
type Evaluated = {
  readonly result: { readonly value?: unknown; readonly objectId?: string };
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { description?: string } };
};

/** Longest time that the inspector may take to listen. */
const listenMsMax = 20_000;

/**
 * Looks into a Node process of this machine by its inspector (the Chrome DevTools Protocol): evaluates, collects garbage,
 * takes heap snapshots.
 */
export class Inspector implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #requests = 0;
  #onChunk: (chunk: string) => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.#onMessage(data));
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the inspected process ended'));
    });
    socket.on('error', () => {});
  }

  /** Has a process that was started with `--inspect-port=127.0.0.1:PORT` listen there (`SIGUSR1`), and connects. */
  static async attach(pid: number, port: number): Promise<Inspector> {
    process.kill(pid, 'SIGUSR1');
    for (const giveUpAt = Date.now() + listenMsMax; ; ) {
      const response = await fetch(`http://127.0.0.1:${port}/json/list`).catch(() => undefined);
      if (response?.ok) {
        const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
        const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '', { perMessageDeflate: false });
        await once(socket, 'open');
        return new Inspector(socket);
      }
      if (Date.now() > giveUpAt) throw new Error('the inspector does not listen');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The value of an expression, which may use `require` and be a promise; it has to be fit for JSON. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result } = await this.#evaluated('Runtime.evaluate', {
      expression,
      includeCommandLineAPI: true,
      returnByValue: true,
      awaitPromise: true,
    });
    return result.value as T;
  }

  /** What a function says of the list of all living objects of a class, given as an expression: `Map`. */
  async ofAll<T>(className: string, declaration: string): Promise<T> {
    const group = { objectGroup: 'of-all' };
    const { result } = await this.#evaluated('Runtime.evaluate', {
      expression: `${className}.prototype`,
      ...group,
    });
    const { objects } = (await this.#ask('Runtime.queryObjects', {
      prototypeObjectId: result.objectId,
      ...group,
    })) as { objects: { objectId: string } };
    const { result: answer } = await this.#evaluated('Runtime.callFunctionOn', {
      objectId: objects.objectId,
      functionDeclaration: declaration,
      returnByValue: true,
    });
    await this.#ask('Runtime.releaseObjectGroup', group);
    return answer.value as T;
  }

  async collectGarbage(): Promise<void> {
    await this.#ask('HeapProfiler.collectGarbage');
  }

  /** A heap snapshot, as JSON. The process stands still meanwhile. */
  async heapSnapshot(): Promise<string> {
    const chunks: string[] = [];
    this.#onChunk = (chunk) => chunks.push(chunk);
    await this.#ask('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
    this.#onChunk = () => {};
    return chunks.join('');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    this.#socket.terminate();
    await once(this.#socket, 'close');
  }

  async #evaluated(method: string, parameters: Readonly<Record<string, unknown>>): Promise<Evaluated> {
    const evaluated = (await this.#ask(method, parameters)) as Evaluated;
    const failure = evaluated.exceptionDetails;
    if (failure !== undefined) throw new Error(failure.exception?.description ?? failure.text);
    return evaluated;
  }

  async #ask(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    this.#requests += 1;
    const id = this.#requests;
    const answered = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#socket.send(JSON.stringify({ id, method, params }));
    return await answered;
  }

  #onMessage(data: RawData): void {
    const message = JSON.parse(data.toString()) as Answer & {
      readonly method?: string;
      readonly params?: { readonly chunk?: string };
    };
    if (message.method === 'HeapProfiler.addHeapSnapshotChunk') this.#onChunk(message.params?.chunk ?? '');
    const waiting = this.#waiting.get(message.id ?? 0);
    if (waiting === undefined) return;
    this.#waiting.delete(message.id ?? 0);
    if (message.error === undefined) waiting.resolve(message.result);
    else waiting.reject(new Error(message.error.message));
  }
}
