import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer, answerText } from '../answers.js';
import { page, pageHeaders } from './html.js';

const notFoundPage = page(
  'Not found',
  `<h1>Not found</h1>
<p>There is nothing at this address. A repository is at <code>/&lt;npub&gt;/&lt;identifier&gt;</code>, once it was announced
to this service.</p>
<p><a href="/">What this service is</a></p>`,
);

/** Answers 404: a page for browsers, a line for all others. */
export function answerNotFound({ headers }: IncomingMessage, response: ServerResponse, line: string): void {
  const vary = { Vary: 'Accept' };
  if (asksForHtml(headers.accept)) {
    answer(response, 404, 'text/html; charset=utf-8', notFoundPage, { ...pageHeaders, ...vary });
  } else answerText(response, 404, line, vary);
}

/** Whether an `Accept` header is that of a browser that opens a page. */
function asksForHtml(accept: string | undefined): boolean {
  return (accept ?? '').split(',').some((range) => range.split(';')[0]?.trim().toLowerCase() === 'text/html');
}
