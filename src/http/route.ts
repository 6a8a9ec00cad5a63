import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request as routes see it. `path` is decoded by nobody: it is what the client sent, without the query. */
export type RouteRequest = {
  readonly path: string;
  readonly query: URLSearchParams;
  /** The request itself, for routes that read a body; they bound what they read. */
  readonly message: IncomingMessage;
  /** That of whoever sent the request (`lib/budgets/address-group.ts`). */
  readonly addressGroup: string;
};

/**
 * One of the things that the port serves. `GET` includes `HEAD`, whose body Node leaves out. CORS headers stand on
 * the response already, and `OPTIONS` is answered before routes are asked.
 */
export type Route = {
  matches(path: string): boolean;
  readonly methods: readonly ('GET' | 'POST')[];
  /** Answers. What it throws becomes a 500, or cuts the connection when the answer has begun. */
  handle(request: RouteRequest, response: ServerResponse): void | Promise<void>;
};

/** Whether a route is the one for exactly this path. */
export function exactly(path: string): (candidate: string) => boolean {
  return (candidate) => candidate === path;
}
