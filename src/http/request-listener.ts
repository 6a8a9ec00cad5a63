import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Clock } from '../lib/clock.js';
import type { Faults } from '../lib/faults.js';
import { answerText, corsHeaders } from './answers.js';
import type { ConnectionGate } from './connection-gate.js';
import { drain, hasBody } from './drain.js';
import { answerNotFound } from './pages/not-found.js';
import { requestTarget } from './request-target.js';
import type { RequestTurns } from './request-turns.js';
import type { Route } from './route.js';
import type { UnreadAnswers } from './unread-answers.js';

export type ListenerParts = {
  readonly routes: readonly Route[];
  readonly gate: Pick<ConnectionGate, 'takeRequest' | 'groupOf' | 'noteViolation'>;
  readonly turns: Pick<RequestTurns, 'enter'>;
  readonly unread: Pick<UnreadAnswers, 'hold'>;
  readonly faults: Faults;
  readonly clock: Pick<Clock, 'after'>;
};

/** Gives each request to its route: CORS first, then `OPTIONS`, the routes in order, 404. */
export function requestListener(parts: ListenerParts): RequestListener {
  const { faults } = parts;
  return (message, response) => {
    const fail = (error: unknown) => {
      faults.note('request', error);
      faults.guard('request', () => response.destroy(), answerFailure)(response);
    };
    // An answer that is written to after its end says so here.
    response.on('error', fail);
    void handle(parts, message, response).catch(fail);
  };
}

async function handle(
  parts: ListenerParts,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Whose reading has begun is left to us: of any other request, once it is answered, Node reads all that comes, without a bound.
  if (hasBody(message)) message.read(0);
  const rest = () => drain(message, parts.clock, () => parts.gate.noteViolation(message));
  for (const [name, value] of Object.entries(corsHeaders)) response.setHeader(name, value);
  const refusal = parts.gate.takeRequest(message, response);
  if (refusal !== undefined) {
    answerText(response, refusal.status, refusal.reason, { ...refusal.headers, Connection: 'close' });
    return;
  }
  if (message.method === 'OPTIONS') {
    response.writeHead(204).end();
    rest();
    return;
  }
  const addressGroup = parts.gate.groupOf(message);
  const turn = parts.turns.enter(addressGroup);
  if (turn !== undefined) await turn;
  // Nobody waits for it any more.
  if (response.destroyed) return;
  await answerBy(parts.routes, addressGroup, message, response);
  parts.unread.hold(response, addressGroup);
  // A body that nobody asked for.
  rest();
}

async function answerBy(
  routes: readonly Route[],
  addressGroup: string,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = hasHost(message) ? requestTarget(message) : undefined;
  if (target === undefined) {
    answerText(response, 400, 'the host or the path cannot be read', { Connection: 'close' });
    return;
  }
  const method = message.method === 'HEAD' ? 'GET' : message.method;
  const route = routes.find(({ matches }) => matches(target.path));
  if (route === undefined) {
    answerNotFound(message, response, 'there is nothing here');
  } else if (!route.methods.some((allowed) => allowed === method)) {
    const allow = route.methods.map((allowed) => (allowed === 'GET' ? 'GET, HEAD' : allowed)).join(', ');
    answerText(response, 405, `only ${allow} is answered here`, { Allow: `${allow}, OPTIONS` });
  } else {
    await route.handle({ ...target, message, addressGroup }, response);
  }
}

function answerFailure(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else answerText(response, 500, 'the request failed');
}

/** HTTP/1.1 asks for a `Host`, and for a 400 where there is none (RFC 9112). */
function hasHost(message: IncomingMessage): boolean {
  return message.headers.host !== undefined || message.httpVersion === '1.0';
}
