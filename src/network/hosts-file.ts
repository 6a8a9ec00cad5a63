import type { LookupAddress } from 'node:dns';
import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';

const loopback: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/** Names that this machine knows by itself: those of its hosts file, read again when it changes, and `localhost` (RFC 6761). */
export class HostsFile {
  readonly #path: string;
  #names: ReadonlyMap<string, readonly LookupAddress[]> = new Map();
  #readOf: number | undefined;

  constructor(path = '/etc/hosts') {
    this.#path = path;
  }

  /** The addresses of a name; none when it is not a name of this machine. */
  async addressesOf(host: string): Promise<readonly LookupAddress[]> {
    await this.#read();
    const name = (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase();
    return this.#names.get(name) ?? (name === 'localhost' || name.endsWith('.localhost') ? loopback : []);
  }

  async #read(): Promise<void> {
    try {
      const { mtimeMs } = await stat(this.#path);
      if (mtimeMs === this.#readOf) return;
      this.#names = parseHosts(await readFile(this.#path, 'utf8'));
      this.#readOf = mtimeMs;
    } catch {
      // Without such a file, or one that cannot be read, there are no such names.
      this.#names = new Map();
      this.#readOf = undefined;
    }
  }
}

function parseHosts(text: string): ReadonlyMap<string, readonly LookupAddress[]> {
  const names = new Map<string, LookupAddress[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...hosts] = (line.split('#', 1)[0] ?? '').split(/\s+/).filter((word) => word !== '');
    const family = isIP(address);
    if (family === 0) continue;
    for (const host of hosts) {
      const name = host.toLowerCase();
      const addresses = names.get(name) ?? [];
      names.set(name, addresses);
      addresses.push({ address, family });
    }
  }
  return names;
}
