import { programName } from '../config/version.js';
import type { RelayInformationDocument } from './relay-information.js';

const style = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
  dt { font-weight: 600; margin-top: .75rem } dd { margin: 0; overflow-wrap: anywhere }
  @media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } }`;

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
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(information.name)}</title>
<style>${style}
</style>
</head>
<body>
<h1>${escapeHtml(information.name)}</h1>
<p>${escapeHtml(information.description)}</p>
<dl>
${entries.map(([term, value]) => `<dt>${escapeHtml(term)}</dt><dd>${escapeHtml(value)}</dd>`).join('\n')}
</dl>
</body>
</html>
`;
}

/** Headers under which the page can run nothing and load nothing. */
export const frontPageHeaders = {
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
  'Referrer-Policy': 'no-referrer',
} as const;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] as string);
}
