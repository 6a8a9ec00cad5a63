import { ListenError } from './listen-error.js';

/** Reads `ip:port`, `name:port` or `[ipv6]:port`. Throws `ListenError` (`address_invalid`). */
export function parseBindAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port <= 65_535)) {
    throw new ListenError('address_invalid', `'${text}' is no bind address: it must be like 127.0.0.1:7334`);
  }
  return { host, port };
}
