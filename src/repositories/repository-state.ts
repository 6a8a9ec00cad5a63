import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { isObjectId } from '../git/object-id.js';
import { isHeadOrTag, isRefName } from '../git/ref-name.js';
import { firstTagValue, InvalidEventError, type NostrEvent } from '../nostr/event.js';
import { checkedIdentifier } from './repository-identifier.js';

/** A repository state (NIP-34, kind 30618), read; one that was parsed is safe to be given to git. */
export type RepositoryState = {
  readonly pubkey: string;
  readonly identifier: string;
  /** Object id by full ref name: heads and tags only. */
  readonly refs: ReadonlyMap<string, string>;
  /** The full name of the branch that `HEAD` stands for, if the state names one. */
  readonly head: string | undefined;
};

const refsPrefix = 'refs/';
const peeledSuffix = '^{}';
/** Before the branch in the value of `HEAD`, as in git's own file; some clients leave it out. */
const headPrefix = 'ref: ';

/** Reads a state as `readRepositoryState`. Throws `InvalidEventError` also for values that are no object ids. */
export function parseRepositoryState(event: NostrEvent): RepositoryState {
  const state = readRepositoryState(event);
  checkObjectIds(state);
  return state;
}

/** Throws `InvalidEventError` when a value of a state is no object id. */
export function checkObjectIds({ refs }: RepositoryState): void {
  for (const [name, objectId] of refs) {
    if (!isObjectId(objectId))
      throw new InvalidEventError(`'${shown(name)}' has no object id of 40 or 64 hex digits`);
  }
}

/**
 * Reads a state whose values may be anything. Throws `InvalidEventError` for what git would not take: names outside heads
 * and tags or of the wrong form, one ref with two values, or two refs of which one is a folder of the other.
 */
export function readRepositoryState(event: NostrEvent): RepositoryState {
  const identifier = checkedIdentifier(event);
  const refs = new Map<string, string>();
  let isAnyInFolder = false;
  for (const [name = '', value = ''] of event.tags) {
    if (!name.startsWith(refsPrefix) || name.endsWith(peeledSuffix)) continue;
    addRef(refs, name, value);
    isAnyInFolder ||= isInFolder(name);
  }
  if (isAnyInFolder) refuseFolders(refs);
  return { pubkey: event.pubkey, identifier, refs, head: parseHead(event) };
}

/** The heads and tags that a state lists, as its event has them: values that are no object ids stay, and match nothing. */
export function listedRefs({ tags }: Pick<NostrEvent, 'tags'>): Map<string, string> {
  const refs = new Map<string, string>();
  for (const [name = '', value = ''] of tags)
    if (isHeadOrTag(name) && !name.endsWith(peeledSuffix)) refs.set(name, value);
  return refs;
}

function addRef(refs: Map<string, string>, name: string, objectId: string): void {
  if (!isHeadOrTag(name) || !isRefName(name))
    throw new InvalidEventError(`'${shown(name)}' is no head or tag`);
  const known = refs.get(name);
  if (known === objectId) return;
  if (known !== undefined) throw new InvalidEventError(`'${shown(name)}' has two values`);
  refs.set(name, objectId);
  if (exceeds('stateRefsMax', refs.size))
    throw new InvalidEventError(`more than ${limits.stateRefsMax} refs`);
}

/** Right below heads or tags nothing lies in a folder. */
function isInFolder(name: string): boolean {
  return name.indexOf('/', name.indexOf('/', refsPrefix.length) + 1) > 0;
}

/** `a` and `a/b` cannot both be refs: git keeps them as file and folder. */
function refuseFolders(refs: ReadonlyMap<string, string>): void {
  // With the separator as the lowest character, what lies in a folder comes right after the folder's own name.
  const sorted = [...refs.keys()].map((name) => name.replaceAll('/', '\0')).sort();
  for (const [index, name] of sorted.entries()) {
    if (sorted[index + 1]?.startsWith(`${name}\0`)) {
      throw new InvalidEventError(
        `'${shown(name.replaceAll('\0', '/'))}' is both a ref and a folder of refs`,
      );
    }
  }
}

function parseHead(event: NostrEvent): string | undefined {
  const value = firstTagValue(event, 'HEAD');
  if (value === undefined) return undefined;
  const name = value.startsWith(headPrefix) ? value.slice(headPrefix.length) : value;
  if (!name.startsWith('refs/heads/') || !isRefName(name)) {
    throw new InvalidEventError("HEAD is not 'ref: refs/heads/<name>'");
  }
  return name;
}

/** The beginning of a name from an event, for a reason that a client reads. */
function shown(name: string): string {
  return name.slice(0, 100);
}
