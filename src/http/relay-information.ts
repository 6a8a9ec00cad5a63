/** What the NIP-11 document is made of. */
export type RelayInformationInput = {
  readonly name: string;
  readonly description: string;
  /** The operator's public key, 64 hex digits. */
  readonly pubkey: string;
  readonly supportedNips: readonly number[];
  /** What tells the software from others: the URL of its project (NIP-11), or its name. */
  readonly software: string;
  readonly version: string;
  /** The URL of an image. */
  readonly icon: string;
  /** The numbers that are enforced. */
  readonly limitation: Readonly<Record<string, number | boolean>>;
  /** `GRASP-01` and so on: only what works. */
  readonly supportedGrasps: readonly string[];
  /** Which repositories are accepted, in words (GRASP-01). */
  readonly repoAcceptanceCriteria: string;
  /** How the operator chooses beyond refusing spam (GRASP-01); `undefined` when nothing is curated. */
  readonly curation: string | undefined;
};

/** The relay information document (NIP-11; GRASP-01). */
export type RelayInformationDocument = {
  readonly name: string;
  readonly description: string;
  readonly pubkey: string;
  readonly supported_nips: readonly number[];
  readonly software: string;
  readonly version: string;
  readonly icon: string;
  readonly limitation: Readonly<Record<string, number | boolean>>;
  readonly supported_grasps: readonly string[];
  readonly repo_acceptance_criteria: string;
  readonly curation?: string;
};

/** The document that is served to those who ask for `application/nostr+json`. */
export function relayInformation(input: RelayInformationInput): RelayInformationDocument {
  return {
    name: input.name,
    description: input.description,
    pubkey: input.pubkey,
    supported_nips: [...input.supportedNips].sort((a, b) => a - b),
    software: input.software,
    version: input.version,
    icon: input.icon,
    limitation: input.limitation,
    supported_grasps: input.supportedGrasps,
    repo_acceptance_criteria: input.repoAcceptanceCriteria,
    ...(input.curation === undefined ? {} : { curation: input.curation }),
  };
}

/** The media type of the document. */
export const relayInformationType = 'application/nostr+json';

/** Whether an `Accept` header asks for the document. */
export function asksForRelayInformation(accept: string | undefined): boolean {
  return (accept ?? '')
    .split(',')
    .some((range) => range.split(';')[0]?.trim().toLowerCase() === relayInformationType);
}
