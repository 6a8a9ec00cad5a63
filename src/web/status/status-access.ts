import { createHash, timingSafeEqual } from 'node:crypto';
import type { RouteRequest } from '../../http/route.js';

/** Who may see the status page: everybody, or those who have the token. */
export class StatusAccess {
  readonly #token: () => string | undefined;

  /** `token` is asked for each request: it may change. */
  constructor(token: () => string | undefined) {
    this.#token = token;
  }

  /** Whether a request has the token, as `Authorization: Bearer …` or `?token=`. The time it takes says nothing of it. */
  allows(request: Pick<RouteRequest, 'message' | 'query'>): boolean {
    const token = this.#token();
    if (token === undefined) return true;
    const given = bearerOf(request.message.headers.authorization) ?? request.query.get('token') ?? '';
    return timingSafeEqual(digestOf(given), digestOf(token));
  }

  /** What goes with the links of a page that was asked for with `?token=`. */
  queryOf({ query }: Pick<RouteRequest, 'query'>): Readonly<Record<string, string>> {
    const given = query.get('token');
    return this.#token() === undefined || given === null ? {} : { token: given };
  }
}

function bearerOf(header: string | undefined): string | undefined {
  const [scheme = '', token] = (header ?? '').split(' ');
  return scheme.toLowerCase() === 'bearer' ? token : undefined;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
