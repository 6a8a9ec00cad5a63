import { isHeadOrTag } from './ref-name.js';

/** A move of one ref; `from` is what it is now, so that a ref that moved meanwhile is not overwritten. */
export type RefChange =
  | { readonly type: 'create'; readonly name: string; readonly to: string }
  | { readonly type: 'update'; readonly name: string; readonly from: string; readonly to: string }
  | { readonly type: 'delete'; readonly name: string; readonly from: string };

/** Object id by full ref name. */
export type Refs = ReadonlyMap<string, string>;

/** What refs are to be. Refs outside of both parts are left alone. */
export type WantedRefs = {
  /** Heads and tags, all of them: others are removed. `undefined` leaves heads and tags alone. */
  readonly declared: Refs | undefined;
  /** Refs of pull requests; `undefined` stands for one that is to be removed. */
  readonly pullRequests: ReadonlyMap<string, string | undefined>;
};

export type RefPlan = {
  readonly changes: readonly RefChange[];
  /** Refs that cannot be set yet, because their object is not here or is of the wrong type. */
  readonly waiting: readonly string[];
};

/**
 * What has to be moved so that refs become as wanted. A declared ref whose object is missing stays as it is; the ref
 * of a pull request whose commit is missing is removed when it points elsewhere (docs/policy.md).
 * `typeOf` answers the type of an object in the repository, `undefined` when it is not there.
 */
export function planRefs(
  wanted: WantedRefs,
  current: Refs,
  typeOf: (objectId: string) => string | undefined,
): RefPlan {
  const changes: RefChange[] = [];
  const waiting: string[] = [];
  const remove = (name: string) => {
    const from = current.get(name);
    if (from !== undefined) changes.push({ type: 'delete', name, from });
  };
  const set = (name: string, to: string): void => {
    const from = current.get(name);
    changes.push(from === undefined ? { type: 'create', name, to } : { type: 'update', name, from, to });
  };
  for (const [name, to] of wanted.declared ?? []) {
    if (current.get(name) === to) continue;
    if (fits(name, typeOf(to))) set(name, to);
    else waiting.push(name);
  }
  if (wanted.declared !== undefined) {
    for (const name of current.keys()) {
      if (isHeadOrTag(name) && !wanted.declared.has(name)) remove(name);
    }
  }
  for (const [name, to] of wanted.pullRequests) {
    if (to === undefined) remove(name);
    else if (current.get(name) === to) continue;
    else if (typeOf(to) === 'commit') set(name, to);
    else {
      remove(name);
      waiting.push(name);
    }
  }
  return { changes, waiting };
}

/** The object ids whose presence decides about the plan. */
export function objectsInQuestion(wanted: WantedRefs, current: Refs): string[] {
  const ids = new Set<string>();
  for (const [name, to] of [...(wanted.declared ?? []), ...wanted.pullRequests]) {
    if (to !== undefined && current.get(name) !== to) ids.add(to);
  }
  return [...ids];
}

/**
 * Splits changes into those that go in one transaction and those that must come before: git keeps `a` and `a/b` as
 * file and folder, and sets neither while the other is there.
 */
export function stages(changes: readonly RefChange[]): (readonly RefChange[])[] {
  if (!changes.some(({ type }) => type === 'delete')) return changes.length > 0 ? [changes] : [];
  const created = new Set<string>();
  for (const { type, name } of changes) {
    if (type !== 'create') continue;
    created.add(name);
    for (const folder of foldersOf(name)) created.add(`${folder}/`);
  }
  const isInTheWay = ({ type, name }: RefChange) =>
    type === 'delete' && (created.has(`${name}/`) || foldersOf(name).some((folder) => created.has(folder)));
  const first = changes.filter(isInTheWay);
  const then = changes.filter((change) => !isInTheWay(change));
  return [first, then].filter((stage) => stage.length > 0);
}

function foldersOf(name: string): string[] {
  const folders: string[] = [];
  for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
    folders.push(name.slice(0, slash));
  }
  return folders;
}

/** Git refuses a branch that is no commit; a tag may name any object. */
function fits(name: string, type: string | undefined): boolean {
  return name.startsWith('refs/tags/') ? type !== undefined : type === 'commit';
}
