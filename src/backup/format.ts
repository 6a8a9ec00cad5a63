import { z } from 'zod';
import { parseNetwork } from '../config/host.js';
import type { JournalEntry } from '../store/journal.js';
import { damagedBackup } from './errors.js';

/*
 * A backup is a tar file, in this order (docs/backup.md):
 *
 *     manifest.json            what it is, and of which moment
 *     events/<n>.jsonl         the stored events, one a line, in the order in which they were stored
 *     journal/<n>.jsonl        what waits for git data, with its deadlines, and what the operator banned
 *     database/<n>.jsonl       other records of the database
 *     git/<n>/…                the repositories, each with a repository.json that names it
 *     end.json                 counts, and the SHA-256 of all that is before it
 */
export const formatName = 'graspd-backup';
export const formatVersion = 1;

export const entryNames = { manifest: 'manifest.json', end: 'end.json' } as const;

const count = z.number().int().nonnegative();

const manifestShape = z.object({
  format: z.literal(formatName),
  version: z.number().int().positive(),
  /** Of the program that wrote it. */
  program: z.string(),
  domain: z.string(),
  /** Which database the events are of; left out by programs that knew no updates. */
  store: z.string().optional(),
  /** Whether the repositories are in it. */
  hasRepositories: z.boolean().default(true),
  /** ISO 8601: everything that was acknowledged by then is in it. */
  moment: z.string(),
  /** Events have the sequences up to this. */
  lastSequence: count,
  /** About how many events and how many repositories there are to come, for the display of progress. */
  expected: z.object({ events: count, repositories: count }),
});

/** What stands at the beginning of a backup. */
export type Manifest = z.infer<typeof manifestShape>;

const countsShape = z.object({
  events: count,
  /** Those that the disk had damaged, and that are not in it. */
  damagedEvents: count,
  journalRecords: count,
  otherRecords: count,
  repositories: count,
  /** Those that could not be read, and that are not in it. */
  unreadableRepositories: count,
});

/** What a backup has. */
export type BackupCounts = z.infer<typeof countsShape>;

const endShape = countsShape.extend({
  /** Bytes before the header of this entry, and their SHA-256 in hex. */
  bytes: count,
  sha256: z.string(),
});

/** What stands at the end of a backup: one without it is not whole. */
export type BackupEnd = z.infer<typeof endShape>;

const repositoryShape = z.object({
  /** `announced`: by the author of its announcement; `prs`: by the signer of pull requests (GRASP-06). */
  sort: z.enum(['announced', 'prs']),
  /** In hex. */
  pubkey: z.string(),
  identifier: z.string(),
  /** The ref that `HEAD` stands for. */
  head: z.string().optional(),
  /** Since when it is not served any more, in milliseconds since 1970. */
  closedSinceMs: z.number().optional(),
});

/** Which repository a folder of a backup is of. */
export type RepositoryNote = z.infer<typeof repositoryShape>;

/** The value is text where it is UTF-8, as nearly always. */
const journalShape = z.object({
  // `min(1)` would compare the length also of what is no text, whatever that has for one.
  name: z.string().refine((name) => name !== ''),
  value: z.union([z.string(), z.object({ base64: z.base64() })]),
});
const otherShape = z.object({ key: z.base64(), value: z.base64() });

/** A backup that a newer program wrote is refused with words that say so. Throws `BackupError`. */
export function readManifest(text: string): Manifest {
  const manifest = parsed(manifestShape, text, entryNames.manifest);
  if (manifest.version <= formatVersion) return manifest;
  throw damagedBackup(
    `it has version ${manifest.version}, this program reads up to ${formatVersion}; use a newer one`,
  );
}

export const readEnd = (text: string): BackupEnd => parsed(endShape, text, entryNames.end);
export const readRepositoryNote = (text: string): RepositoryNote =>
  parsed(repositoryShape, text, 'repository.json');
export const readJournalLine = (text: string) => parsed(journalShape, text, 'a line of the journal');
export const readOtherLine = (text: string) => parsed(otherShape, text, 'a record of the database');

/** What the operator decided begins so in the journal (`moderation/lists.ts`). */
const moderationPrefix = 'moderation:';
const blockedPrefix = `${moderationPrefix}blocked-address:`;
const moderationShape = z.union([z.string(), z.object({ reason: z.string(), sinceSeconds: z.number() })]);

/** Whether a record of the journal has the form of what the operator decided, if it is named as that is. */
export function isModerationRecord({ name, value }: JournalEntry): boolean {
  if (!name.startsWith(moderationPrefix)) return true;
  if (name.startsWith(blockedPrefix) && parseNetwork(name.slice(blockedPrefix.length)) === undefined)
    return false;
  try {
    return moderationShape.safeParse(JSON.parse(Buffer.from(value).toString('utf8'))).success;
  } catch {
    return false;
  }
}

function parsed<T>(shape: z.ZodType<T>, text: string, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damagedBackup(`${what} is no JSON`);
  }
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw damagedBackup(`${what} is not as it should be (${issue?.path.join('.') ?? ''}: ${issue?.message})`);
}
