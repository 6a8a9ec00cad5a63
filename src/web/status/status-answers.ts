import type { ServerResponse } from 'node:http';
import { answer, answerText } from '../../http/answers.js';
import { pageHeaders } from '../../http/pages/html.js';
import { tokenPage } from './status-page.js';

/** Whatever says how the daemon is now is kept by no cache. */
export const noStore = { 'Cache-Control': 'no-store' };

const headers = {
  ...pageHeaders,
  ...noStore,
  'Content-Security-Policy': `${pageHeaders['Content-Security-Policy']}; script-src 'self'; connect-src 'self'`,
};

/** Answers with a page that keeps itself up to date. */
export function answerPage(response: ServerResponse, status: number, page: string): void {
  answer(response, status, 'text/html; charset=utf-8', page, headers);
}

/** Asks who has not given the token for it. */
export function askForToken(response: ServerResponse): void {
  answerPage(response, 401, tokenPage());
}

/** Refuses programs that have not given the token. */
export function refuseWithoutToken(response: ServerResponse): void {
  answerText(response, 401, 'the token is missing or wrong', { ...noStore, 'WWW-Authenticate': 'Bearer' });
}
