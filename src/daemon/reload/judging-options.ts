import { createHash } from 'node:crypto';
import type { Options } from '../../config/options.js';
import { authorBlacklisted } from '../../policy/nip34-write-policy.js';
import { isServingRefusal } from '../../repositories/serving.js';
import type { OpenedStore } from '../../store/opened-store.js';
import { recordedKeys } from '../serving-record.js';

type Keys = readonly (keyof Options)[];

/** The options that decide how we stand to a repository. */
export const servingKeys = [...recordedKeys, 'archiveHoldUntilGitData'] as const satisfies Keys;

/** Those that decide about authors. */
export const authorKeys = ['eventBlacklist'] as const satisfies Keys;

const recordName = 'judged-by';

export function isDifferent(before: Options, after: Options, keys: Keys): boolean {
  return textOf(before, keys) !== textOf(after, keys);
}

/** Whether an event was refused by options of these two sorts. */
export const isOfServing = isServingRefusal;
export const isOfAuthors = (reason: string): boolean => reason === authorBlacklisted;

/** Has the journal say by which options what is remembered as refused was judged; settles when that is on disk. */
export async function rememberJudging(
  options: Options,
  { journal }: Pick<OpenedStore, 'journal'>,
): Promise<void> {
  await journal.put(recordName, Buffer.from(digestOf(options)));
}

/**
 * Forgets what was refused by options that were others at the last start or reload, so that sync asks for it again: a new
 * start with other lists brings as much as a reload. Rejects with `StoreError`.
 */
export async function forgetOtherwiseJudged(
  options: Options,
  opened: Pick<OpenedStore, 'journal' | 'refused'>,
): Promise<void> {
  for await (const { name, value } of opened.journal.entries())
    if (name === recordName && Buffer.from(value).toString() === digestOf(options)) return;
  opened.refused.deleteRefusedFor((reason) => isOfServing(reason) || isOfAuthors(reason));
  await rememberJudging(options, opened);
}

function digestOf(options: Options): string {
  const text = textOf(options, [...servingKeys, ...authorKeys]);
  return createHash('sha256').update(text).digest('hex');
}

function textOf(options: Options, keys: Keys): string {
  return JSON.stringify(keys.map((key) => options[key]));
}
