import { answerJson } from '../../http/answers.js';
import { escapeHtml, page } from '../../http/pages/html.js';
import type { Route } from '../../http/route.js';
import { nodesParts, nodesSection } from './nodes-section.js';
import { StatusAccess } from './status-access.js';
import { answerPage, askForToken, noStore, refuseWithoutToken } from './status-answers.js';
import { statusLink } from './status-page.js';
import type { NodeStatusReport } from './status-report.js';
import { timeToSecond } from './words.js';

export type NodeStatusParts = {
  readonly report: () => NodeStatusReport;
  readonly domain: string;
  /** Without it everybody may see it. */
  readonly token: string | undefined;
};

/** What is answered in the place of the status page, and of its JSON. */
export type NodeStatus = { readonly page: Route['handle']; readonly json: Route['handle'] };

/** What a graspd that follows says of itself while the one that writes, which has the status page, does not answer. */
export function nodeStatus({ report, domain, token }: NodeStatusParts): NodeStatus {
  const access = new StatusAccess(() => token);
  return {
    page(request, response) {
      if (access.allows(request)) answerPage(response, 503, nodePage(domain, report()));
      else askForToken(response);
    },
    json(request, response) {
      if (access.allows(request)) answerJson(response, 503, report(), noStore);
      else refuseWithoutToken(response);
    },
  };
}

function nodePage(domain: string, { at, nodes }: NodeStatusReport): string {
  const title = `Status of ${domain}`;
  const body = `<h1>${escapeHtml(title)}</h1>
<p>As of ${timeToSecond(at)}; all times are UTC. <strong class="bad">The graspd that writes does not answer.</strong> This one
follows it, and goes on to serve what is stored. What is published waits, and git and pages are away, until it answers or another one
has taken over.</p>
${nodesSection(new Map(nodesParts(nodes, at)))}`;
  return page(title, body, { links: [statusLink] });
}
