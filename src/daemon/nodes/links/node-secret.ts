import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The header with which one graspd shows another that it reads the same database. */
export const nodeSecretHeader = 'graspd-node';

const secretBytes = 32;

/** A secret that nobody guesses: who shows it read it in the database. */
export function makeNodeSecret(): string {
  return randomBytes(secretBytes).toString('hex');
}

/** Whether the request is of another graspd, rightly or not. */
export function claimsToBeNode({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers[nodeSecretHeader] !== undefined;
}

/** Whether the request shows this secret. */
export function showsSecret({ headers }: Pick<IncomingMessage, 'headers'>, secret: string): boolean {
  const shown = Buffer.from(String(headers[nodeSecretHeader] ?? ''));
  const expected = Buffer.from(secret);
  return shown.length === expected.length && timingSafeEqual(shown, expected);
}
