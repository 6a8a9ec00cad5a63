import { limits } from '../../config/limits.js';
import { smallestWithin } from '../../lib/collections/smallest-within.js';
import { isoTimeOf } from '../../lib/text/iso-time.js';
import { askGit, type PageGit, type PageObject, readObjects } from './page-git.js';

/** A branch or tag, its name without `refs/heads/` or `refs/tags/`. */
export type RefLine = {
  readonly name: string;
  /** What it stands for; of an annotated tag, what that is on. */
  readonly commit: string;
  /** Day of the commit or tag, where that was; empty where it was not read, as is the subject. */
  readonly date: string;
  readonly subject: string;
};

/** Some refs of one sort. */
export type RefLines = {
  readonly lines: readonly RefLine[];
  /** How many there are in all. */
  readonly length: number;
  /** Whether these are the newest of them. */
  readonly areNewest: boolean;
};

/** A branch or tag by its whole name. */
export type ListedRef = {
  readonly name: string;
  readonly objectId: string;
  /** Of its object. */
  readonly bytes: number;
};

/** What a commit or a tag says of itself. */
type Summary = {
  /** Of an annotated tag: what it is on. */
  readonly target: string | undefined;
  readonly seconds: number;
  readonly date: string;
  readonly subject: string;
};

/** All branches and tags, by name; git reads none of their objects for that. Rejects as `askGit`. */
export async function listRefs(git: PageGit): Promise<ListedRef[]> {
  const format = '--format=%(objectname) %(objectsize) %(refname)';
  const output = await askGit(git, ['for-each-ref', format, '--', 'refs/heads', 'refs/tags']);
  const lines = output.toString('utf8').split('\n');
  return lines.slice(0, -1).map((line) => {
    const [objectId = '', bytes, name = ''] = line.split(' ');
    return { name, objectId, bytes: Number(bytes) };
  });
}

/**
 * Says of refs what their commits and tags do. Anybody may make these as large as they may be, and as many as a state has refs:
 * the smallest are read, as far as they have few bytes together. Rejects as `askGit`.
 */
export async function readSummaries(
  git: PageGit,
  refs: readonly ListedRef[],
): Promise<ReadonlyMap<string, Summary>> {
  const bytesOf = new Map(refs.map(({ objectId, bytes }) => [objectId, bytes]));
  const objects = await readObjects(git, smallestWithin(bytesOf, limits.pageObjectsBytesMax));
  return new Map([...objects].map(([objectId, object]) => [objectId, summaryOf(object)]));
}

/** The newest refs below a prefix, as far as is known how old they are; others follow by name. */
export function newestOf(
  refs: readonly ListedRef[],
  prefix: string,
  summaries: ReadonlyMap<string, Summary>,
): RefLines {
  const all = refs
    .filter(({ name }) => name.startsWith(prefix))
    .map((ref) => ({ ...ref, summary: summaries.get(ref.objectId) }));
  const secondsOf = ({ summary }: { summary: Summary | undefined }) => summary?.seconds ?? -1;
  const lines = [...all]
    .sort((one, other) => secondsOf(other) - secondsOf(one))
    .slice(0, limits.pageRefsMax)
    .map(({ name, objectId, summary }) => ({
      name: name.slice(prefix.length),
      commit: summary?.target ?? objectId,
      date: summary?.date ?? '',
      subject: summary?.subject ?? '',
    }));
  return { lines, length: all.length, areNewest: all.every(({ summary }) => summary !== undefined) };
}

/** A ref may stand for anything: of what is neither commit nor tag nothing is said. */
function summaryOf({ type, content }: PageObject): Summary {
  const nothing = { target: undefined, seconds: -1, date: '', subject: '' };
  if (type !== 'commit' && type !== 'tag') return nothing;
  const headEnd = content.indexOf('\n\n');
  const head = content.slice(0, headEnd < 0 ? undefined : headEnd).split('\n');
  const fieldOf = (key: string) => head.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
  const time = timeOf(fieldOf(type === 'commit' ? 'committer' : 'tagger') ?? '');
  const target = type === 'tag' ? fieldOf('object') : undefined;
  return { ...nothing, ...time, target, subject: headEnd < 0 ? '' : subjectOf(content.slice(headEnd)) };
}

/** When a person did something, as `Name <address> 1700000000 +0100`. */
function timeOf(person: string): Pick<Summary, 'seconds' | 'date'> | undefined {
  const text = person.slice(person.lastIndexOf('> ') + 2);
  const [, seconds, sign, hours, minutes] = /^(\d{1,15}) ([+-])(\d\d)(\d\d)$/.exec(text) ?? [];
  if (seconds === undefined) return undefined;
  const zoneSeconds = (Number(hours) * 60 + Number(minutes)) * 60 * (sign === '-' ? -1 : 1);
  return { seconds: Number(seconds), date: isoTimeOf(Number(seconds) + zoneSeconds).slice(0, 10) };
}

/** The first paragraph of a message, in one line. */
function subjectOf(message: string): string {
  const [first = ''] = message.trimStart().split('\n\n', 1);
  return first.replaceAll('\n', ' ').trim().slice(0, limits.pageLineCharsMax);
}
