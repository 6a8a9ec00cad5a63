import { programName } from '../../config/version.js';
import type { RelayInformationDocument } from '../relay-information.js';
import { escapeHtml, type PageLink, page } from './html.js';

/** What the page at `/` has beside what the NIP-11 document says. */
export type FrontPageParts = {
  /** What we call ourselves; the `Host` header is whatever the client wrote. */
  readonly relayUrl: string;
  /** The list of repositories as HTML; `''` where there is none. */
  readonly repositories: string;
  readonly links: readonly PageLink[];
};

/** What a browser sees at `/`: who this is, what it has and how to reach it. */
export function frontPage(
  information: RelayInformationDocument,
  { relayUrl, repositories, links }: FrontPageParts,
): string {
  const entries: [string, string][] = [
    ['Relay address', relayUrl],
    ['Accepted repositories', information.repo_acceptance_criteria],
    ...(information.curation === undefined ? [] : [['Curation', information.curation] as [string, string]]),
    ['GRASP', information.supported_grasps.join(', ') || 'none'],
    ['NIPs', information.supported_nips.join(', ')],
    ['Operator', information.pubkey],
    ['Software', `${programName} ${information.version}`],
  ];
  return page(
    information.name,
    `<h1>${escapeHtml(information.name)}</h1>
<p>${escapeHtml(information.description)}</p>
${repositories}
<h2>About this service</h2>
<dl>
${entries.map(([term, value]) => `<dt>${escapeHtml(term)}</dt><dd>${escapeHtml(value)}</dd>`).join('\n')}
</dl>`,
    { links },
  );
}
