import { noteUse } from '../config/limit-use.js';
import { isObjectId } from '../git/object-id.js';
import { GitProtocolError } from './errors.js';
import { PktReader } from './pkt-line.js';

/** One line of a push: the ref, what the client believes that it is, and what it is to become. */
export type PushCommand = { readonly ref: string; readonly old: string; readonly new: string };

/** What stands in a push before its pack (gitprotocol-pack, "Reference Update Request"). */
export type ReceiveRequest = {
  readonly commands: readonly PushCommand[];
  readonly capabilities: ReadonlySet<string>;
};

export type ReceiveLimits = {
  /** Commands, `shallow` lines and push options of one push, each. */
  readonly linesMax: number;
  /** Bytes of all of them. */
  readonly bytesMax: number;
};

const shallowPrefix = 'shallow ';
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Whether an id stands for "no object" in a command. */
export function isZeroId(objectId: string): boolean {
  return /^0+$/.test(objectId);
}

/**
 * Reads the head of a push as it comes, piece by piece. Stricter than git, which so can act on nothing that was not seen
 * here: what is unknown, spelled otherwise or comes twice ends the push.
 */
export class ReceiveRequestParser {
  readonly #limits: ReceiveLimits;
  readonly #reader = new PktReader();
  readonly #commands: PushCommand[] = [];
  readonly #refs = new Set<string>();
  #capabilities: ReadonlySet<string> | undefined;
  /** Where the history of the client ends is of no matter: what a push leads to has to be here all the same. */
  #shallowLines = 0;
  #options = 0;
  #bytes = 0;
  #reads: 'commands' | 'options' = 'commands';

  constructor(limits: ReceiveLimits) {
    this.#limits = limits;
  }

  /** What came after the head: the beginning of the pack. */
  get rest(): Buffer {
    return this.#reader.rest;
  }

  /** Takes a piece; gives the request once all of it has come. Throws `GitProtocolError`. */
  push(chunk: Buffer): ReceiveRequest | undefined {
    this.#reader.push(chunk);
    for (let pkt = this.#reader.next(); pkt !== undefined; pkt = this.#reader.next()) {
      if (pkt.type === 'line') this.#line(pkt.payload);
      else if (this.#reads === 'commands' && this.#capabilities?.has('push-options')) this.#reads = 'options';
      else return this.#request();
    }
    return undefined;
  }

  #line(payload: Buffer): void {
    this.#bytes += payload.length;
    this.#checkSize();
    const text = textOf(payload);
    if (this.#reads === 'options') this.#options += 1;
    else this.#command(text);
    this.#checkSize();
  }

  #checkSize(): void {
    const { linesMax, bytesMax } = this.#limits;
    const lines = Math.max(this.#commands.length, this.#shallowLines, this.#options);
    noteUse('pushCommandsMax', lines);
    noteUse('pushHeadBytesMax', this.#bytes);
    if (this.#bytes > bytesMax || lines > linesMax) {
      throw new GitProtocolError(`a push has at most ${linesMax} commands of ${bytesMax} bytes in all`);
    }
  }

  #command(line: string): void {
    const text = line.endsWith('\n') ? line.slice(0, -1) : line;
    if (text.startsWith(shallowPrefix)) {
      checkId(text.slice(shallowPrefix.length));
      this.#shallowLines += 1;
      return;
    }
    const [command = '', capabilities, ...more] = text.split('\0');
    const isFirst = this.#capabilities === undefined;
    if (more.length > 0 || (capabilities !== undefined && !isFirst)) {
      throw new GitProtocolError('capabilities stand behind the first command only');
    }
    this.#capabilities ??= new Set((capabilities ?? '').split(' ').filter((name) => name !== ''));
    const [old = '', next = '', ...ref] = command.split(' ');
    for (const id of [old, next]) checkId(id);
    this.#add({ old, new: next, ref: ref.join(' ') });
  }

  #add(command: PushCommand): void {
    // A report names refs line by line.
    if (command.ref === '' || /\p{Cc}/u.test(command.ref))
      throw new GitProtocolError('a command without a ref');
    if (command.old.length !== command.new.length) throw new GitProtocolError('object ids of two lengths');
    // In git's own file system, and in ours, they may be one.
    if (this.#refs.has(command.ref)) throw new GitProtocolError('one ref is commanded twice');
    this.#refs.add(command.ref);
    this.#commands.push(command);
  }

  #request(): ReceiveRequest {
    const [first] = this.#commands;
    if (this.#commands.some(({ old }) => old.length !== first?.old.length)) {
      throw new GitProtocolError('object ids of two lengths');
    }
    return { commands: this.#commands, capabilities: this.#capabilities ?? new Set() };
  }
}

function checkId(text: string): void {
  if (!isObjectId(text)) throw new GitProtocolError('an object id is not 40 or 64 lower-case hex digits');
}

function textOf(payload: Buffer): string {
  try {
    return decoder.decode(payload);
  } catch {
    throw new GitProtocolError('a line of the push is not UTF-8');
  }
}
