import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { readOptions } from '../../config/options.js';
import { type Daemon, startDaemon } from '../../daemon/daemon.js';
import { surroundingsOf } from '../../daemon/surroundings.js';
import { GraspError } from '../../lib/errors.js';
import { Identity } from '../../nostr/keys.js';
import type { Service } from './scenario.js';

/** Chooses `count` services on free ports of loopback, named before any of them runs. */
export async function reserveServices(names: readonly string[]): Promise<Service[]> {
  const holders = await Promise.all(names.map(() => listenAnywhere()));
  const services = holders.map(({ port }, index) => ({
    name: names[index] ?? '',
    domain: `127.0.0.1:${port}`,
  }));
  await Promise.all(holders.map(({ release }) => release()));
  return services;
}

/** Starts a relay as `graspd serve` would, with its data below `folder` and short delays. */
export async function startRelay(
  service: Service,
  bootstrap: Service | undefined,
  folder: string,
  logger: Logger,
): Promise<Daemon> {
  const flags = new Map([
    ['bind-address', service.domain],
    ['domain', service.domain],
    ['relay-owner-nsec', Identity.generate().toNsec()],
    ['git-data-path', join(folder, service.name, 'git')],
    ['relay-data-path', join(folder, service.name, 'relay')],
    // Nobody pushes: what is announced is served all the same.
    ['archive-all', 'true'],
    ['sync-bootstrap-relay-url', bootstrap === undefined ? '' : `ws://${bootstrap.domain}`],
    ['sync-startup-delay-secs', '0'],
    ['sync-startup-jitter-ms', '100'],
    ['sync-reconnect-delay-secs', '0'],
    ['sync-base-backoff-secs', '1'],
    ['sync-max-backoff-secs', '2'],
    ['verify-workers', '1'],
  ]);
  const options = readOptions({ flags, environment: { NGIT_TEST: '1' }, readFile: noFile });
  return await startDaemon(options, surroundingsOf(logger));
}

function noFile(path: string): never {
  throw new GraspError('no_file', `the demonstration reads no file, not even ${path}`);
}

async function listenAnywhere(): Promise<{ port: number; release: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, release: () => new Promise((resolve) => server.close(() => resolve())) };
}
