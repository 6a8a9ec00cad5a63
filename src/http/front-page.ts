import { programName } from '../config/version.js';
import { escapeHtml, page } from './html.js';
import type { RelayInformationDocument } from './relay-information.js';

/**
 * What a browser sees at `/`: who this is and how to reach it. `relayUrl` is what we call ourselves; the `Host` header
 * is whatever the client wrote.
 */
export function frontPage(information: RelayInformationDocument, relayUrl: string): string {
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
<dl>
${entries.map(([term, value]) => `<dt>${escapeHtml(term)}</dt><dd>${escapeHtml(value)}</dd>`).join('\n')}
</dl>`,
  );
}
