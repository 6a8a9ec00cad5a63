import { isObjectId } from '../git/object-id.js';
import { isRefName } from '../git/ref-name.js';
import { GitProtocolError, RemoteRefusal } from './errors.js';
import { oneLine } from './one-line.js';
import { PktReader } from './pkt-line.js';

/** A ref of a server; `peeledId` is what its tag stands for in the end, where that was said. */
export type ServerRef = { readonly name: string; readonly objectId: string; readonly peeledId?: string };

/** Which refs of a server are kept as they come, and how many at most. */
export type RefChoice = { readonly refsMax: number; readonly isWanted: (name: string) => boolean };

const peeledPrefix = 'peeled:';

/** Reads the answer to `ls-refs` of protocol v2 as it comes; names of refs that are none are left out, as is what is not wanted. */
export class ServerRefsReader {
  readonly #reader = new PktReader();
  readonly #choice: RefChoice;
  readonly #refs: ServerRef[] = [];

  constructor(choice: RefChoice) {
    this.#choice = choice;
  }

  /** Takes a piece; gives the refs once all of them have come. Throws `GitProtocolError` and `RemoteRefusal`. */
  push(chunk: Buffer): readonly ServerRef[] | undefined {
    this.#reader.push(chunk);
    for (let pkt = this.#reader.next(); pkt !== undefined; pkt = this.#reader.next()) {
      if (pkt.type !== 'line') return this.#refs;
      this.#line(pkt.payload.toString('utf8').trimEnd());
    }
    return undefined;
  }

  #line(text: string): void {
    if (text.startsWith('ERR ')) throw new RemoteRefusal(oneLine(text.slice(4)));
    const [objectId = '', name = '', ...attributes] = text.split(' ');
    const { refsMax, isWanted } = this.#choice;
    if (!isWanted(name) || !isRefName(name)) return;
    if (!isObjectId(objectId)) throw new GitProtocolError('a ref without an object id');
    if (this.#refs.length >= refsMax) throw new GitProtocolError(`more than ${refsMax} refs`);
    const peeledId = attributes
      .find((attribute) => attribute.startsWith(peeledPrefix))
      ?.slice(peeledPrefix.length);
    if (peeledId !== undefined && !isObjectId(peeledId))
      throw new GitProtocolError('a tag that stands for no object id');
    this.#refs.push(peeledId === undefined ? { name, objectId } : { name, objectId, peeledId });
  }
}
