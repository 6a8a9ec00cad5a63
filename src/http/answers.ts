import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { limits } from '../config/limits.js';

/** CORS headers of every answer (GRASP-01). */
export const corsHeaders = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
  'Access-Control-Allow-Headers':
    'Authorization, Content-Type, Git-Protocol, Accept, Content-Encoding, X-Requested-With',
  // Browsers ask again after a day at the latest.
  'Access-Control-Max-Age': '86400',
} as const;

/** Sends a whole answer. */
export function answer(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string | Buffer,
  headers: OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
    ...retryHeaders(status),
    ...headers,
  });
  response.end(body);
}

export function answerJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  answer(response, status, 'application/json', JSON.stringify(value), headers);
}

/** A short line of text, for what is refused or not found. */
export function answerText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: OutgoingHttpHeaders = {},
): void {
  answer(response, status, 'text/plain; charset=utf-8', `${text}\n`, headers);
}

/** When to try again, for who is refused only for now. */
function retryHeaders(status: number): Readonly<Record<string, string>> {
  return status === 429 || status === 503 ? { 'Retry-After': String(limits.httpRetryAfterSeconds) } : {};
}

const statusTexts: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
};

/** A whole answer as bytes, for sockets that have no response object; the connection closes after it. */
export function rawAnswer(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): string {
  const body = `${text}\n`;
  return [
    `HTTP/1.1 ${status} ${statusTexts[status] ?? ''}`.trimEnd(),
    ...Object.entries({ ...corsHeaders, ...retryHeaders(status), ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    ),
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
