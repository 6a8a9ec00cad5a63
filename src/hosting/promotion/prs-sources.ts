import { limits } from '../../config/limits.js';
import { type PrsRepository, textOf } from '../../git/bare-repositories.js';
import { prsPathStart } from '../../repositories/prs-repositories.js';
import { eventOf } from '../push-context.js';
import type { PromotionParts } from './promotion-parts.js';

/** An object that a repository lacks: the pull requests whose commit it is, and the `clone` URLs of each of these. */
export type WantedObject = {
  readonly objectId: string;
  readonly pullRequestIds: readonly string[];
  readonly clones: readonly (readonly string[])[];
};

type PrsSource = { readonly from: PrsRepository; readonly objectIds: string[] };

/** Which commits of pull requests are to be had from which repositories of their signers (GRASP-06). */
export async function prsSources(
  parts: Pick<PromotionParts, 'prs' | 'purgatory' | 'store'>,
  wanted: readonly WantedObject[],
): Promise<Iterable<PrsSource>> {
  const { prs } = parts;
  const sources = new Map<string, PrsSource>();
  if (prs === undefined) return [];
  for (const { objectId, pullRequestIds, clones } of wanted) {
    const isOfPath = (_: string, index: number) => clones[index]?.some((url) => url.includes(prsPathStart));
    for (const id of pullRequestIds.filter(isOfPath).slice(0, limits.objectCopiesMax)) {
      const event = await eventOf(parts, id);
      for (const from of event === undefined ? [] : prs.repositoriesOf(event)) {
        const source = sources.get(textOf(from)) ?? { from, objectIds: [] };
        sources.set(textOf(from), source);
        source.objectIds.push(objectId);
      }
    }
  }
  return sources.values();
}
