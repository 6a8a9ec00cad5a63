import { isObjectId } from '../git/object-id.js';
import { GitProtocolError } from './errors.js';
import { PktReader } from './pkt-line.js';

/** One line of a push: the ref, what the client believes that it is, and what it is to become. */
export type PushCommand = { readonly ref: string; readonly old: string; readonly new: string };

/** What stands in a push before its pack (gitprotocol-pack, "Reference Update Request"). */
export type ReceiveRequest = {
  readonly commands: readonly PushCommand[];
  readonly capabilities: ReadonlySet<string>;
  /** Commits at which the history of the client ends: what the push leads to has to be here all the same. */
  readonly shallow: readonly string[];
  readonly options: readonly string[];
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
  readonly #shallow: string[] = [];
  readonly #options: string[] = [];
  #capabilities: ReadonlySet<string> | undefined;
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
    const { linesMax, bytesMax } = this.#limits;
    const lines = Math.max(this.#commands.length, this.#shallow.length, this.#options.length);
    if (this.#bytes > bytesMax || lines >= linesMax) {
      throw new GitProtocolError(`a push has at most ${linesMax} commands of ${bytesMax} bytes in all`);
    }
    if (this.#reads === 'options') this.#options.push(textOf(payload));
    else this.#command(textOf(payload));
  }

  #command(line: string): void {
    const text = line.endsWith('\n') ? line.slice(0, -1) : line;
    if (text.startsWith(shallowPrefix)) {
      this.#shallow.push(checkedId(text.slice(shallowPrefix.length)));
      return;
    }
    const [command = '', capabilities, ...more] = text.split('\0');
    const isFirst = this.#capabilities === undefined;
    if (more.length > 0 || (capabilities !== undefined && !isFirst)) {
      throw new GitProtocolError('capabilities stand behind the first command only');
    }
    this.#capabilities ??= new Set((capabilities ?? '').split(' ').filter((name) => name !== ''));
    const [old = '', next = '', ...ref] = command.split(' ');
    this.#add({ old: checkedId(old), new: checkedId(next), ref: ref.join(' ') });
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
    return {
      commands: this.#commands,
      capabilities: this.#capabilities ?? new Set(),
      shallow: this.#shallow,
      options: this.#options,
    };
  }
}

function checkedId(text: string): string {
  if (!isObjectId(text)) throw new GitProtocolError('an object id is not 40 or 64 lower-case hex digits');
  return text;
}

function textOf(payload: Buffer): string {
  try {
    return decoder.decode(payload);
  } catch {
    throw new GitProtocolError('a line of the push is not UTF-8');
  }
}
