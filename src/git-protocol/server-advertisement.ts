import { isObjectId } from '../git/object-id.js';
import { isRefName } from '../git/ref-name.js';
import { GitProtocolError, RemoteRefusal } from './errors.js';
import { oneLine } from './one-line.js';
import { PktReader } from './pkt-line.js';
import type { RefChoice, ServerRef } from './server-refs.js';

/** What a server says of a repository before it is asked for anything (gitprotocol-pack, gitprotocol-v2). */
export type ServerAdvertisement = {
  readonly version: 0 | 1 | 2;
  /** By name; empty where one has no value. */
  readonly capabilities: ReadonlyMap<string, string>;
  readonly objectFormat: 'sha1' | 'sha256';
  /** With v2 none: they are asked for. */
  readonly refs: readonly ServerRef[];
  readonly isShallow: boolean;
};

const header = '# service=git-upload-pack';
const peeledSuffix = '^{}';
const shallowPrefix = 'shallow ';

/**
 * Reads an advertisement as it comes, of whichever version, with or without the line about the service. Names of refs that
 * are none are left out, as `HEAD` is, and refs that are not wanted; lines that say something unknown are no advertisement.
 */
export class AdvertisementReader {
  readonly #reader = new PktReader();
  readonly #choice: RefChoice;
  readonly #capabilities = new Map<string, string>();
  readonly #refs: ServerRef[] = [];
  #reads: 'begin' | 'header' | 'version' | 'capabilities' | 'first-ref' | 'refs' = 'begin';
  #version: 0 | 1 | 2 = 0;
  #idLength = 0;
  #isShallow = false;

  constructor(choice: RefChoice) {
    this.#choice = choice;
  }

  /** Takes a piece; gives the advertisement once all of it has come. Throws `GitProtocolError` and `RemoteRefusal`. */
  push(chunk: Buffer): ServerAdvertisement | undefined {
    this.#reader.push(chunk);
    for (let pkt = this.#reader.next(); pkt !== undefined; pkt = this.#reader.next()) {
      if (pkt.type === 'line') this.#line(pkt.payload.toString('utf8'));
      else if (this.#reads === 'header') this.#reads = 'version';
      else return this.#advertisement();
    }
    return undefined;
  }

  #line(line: string): void {
    const text = line.endsWith('\n') ? line.slice(0, -1) : line;
    if (text.startsWith('ERR ')) throw new RemoteRefusal(oneLine(text.slice(4)));
    if (this.#reads === 'begin' && text === header) this.#reads = 'header';
    else if (this.#reads === 'begin' || this.#reads === 'version') this.#first(text);
    else if (this.#reads === 'capabilities') this.#capability(text);
    else if (this.#reads === 'header') throw new GitProtocolError('more than one line about the service');
    else this.#ref(text);
  }

  #first(text: string): void {
    this.#reads = text === 'version 2' ? 'capabilities' : 'first-ref';
    if (text === 'version 2') this.#version = 2;
    else if (text === 'version 1') this.#version = 1;
    else this.#ref(text);
  }

  #capability(text: string): void {
    const end = text.indexOf('=');
    const name = end < 0 ? text : text.slice(0, end);
    this.#capabilities.set(name, end < 0 ? '' : text.slice(end + 1));
    if (this.#capabilities.size > this.#choice.refsMax) throw new GitProtocolError('too many capabilities');
  }

  #ref(text: string): void {
    const end = text.indexOf('\0');
    if (end >= 0 && this.#reads !== 'first-ref')
      throw new GitProtocolError('capabilities stand behind the first ref only');
    this.#reads = 'refs';
    if (end >= 0)
      for (const capability of text.slice(end + 1).split(' '))
        if (capability !== '') this.#capability(capability);
    const line = end < 0 ? text : text.slice(0, end);
    if (line.startsWith(shallowPrefix)) this.#isShallow = true;
    else this.#namedRef(line);
  }

  #namedRef(line: string): void {
    const space = line.indexOf(' ');
    const objectId = line.slice(0, Math.max(0, space));
    if (!isObjectId(objectId)) throw new GitProtocolError('a ref without an object id');
    this.#idLength ||= objectId.length;
    if (objectId.length !== this.#idLength) throw new GitProtocolError('object ids of two lengths');
    const name = line.slice(space + 1);
    const { refsMax, isWanted } = this.#choice;
    const last = this.#refs.at(-1);
    if (name.endsWith(peeledSuffix)) {
      const isOfLast = last !== undefined && name.length === last.name.length + peeledSuffix.length;
      if (isOfLast && name.startsWith(last.name))
        this.#refs[this.#refs.length - 1] = { ...last, peeledId: objectId };
    } else if (isWanted(name) && isRefName(name)) {
      if (this.#refs.length >= refsMax) throw new GitProtocolError(`more than ${refsMax} refs`);
      this.#refs.push({ name, objectId });
    }
  }

  #advertisement(): ServerAdvertisement {
    const format = this.#capabilities.get('object-format') ?? (this.#idLength === 64 ? 'sha256' : 'sha1');
    if (format !== 'sha1' && format !== 'sha256') throw new GitProtocolError('an unknown object format');
    return {
      version: this.#version,
      capabilities: this.#capabilities,
      objectFormat: format,
      refs: this.#refs,
      isShallow: this.#isShallow,
    };
  }
}
